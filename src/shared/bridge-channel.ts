// The channel between page and application; apart from the schemas because a sandboxed preload cannot load packages.
export const bridgeChannel = 'tunewright:call'
