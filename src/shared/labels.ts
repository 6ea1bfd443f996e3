// The one number that formats, engine and core agree on when they say which tokens are trained.

/** Label of a token that is not trained on (the prompt, padding), as in PyTorch's cross-entropy and Hugging Face. */
export const ignoredLabel = -100
