"""Makes tests/golden/tokenizer-strings.json and tokenizer-chats.json: what Hugging Face's own stack says of our texts.

usage: tokenizer_figures.py MODEL_FOLDER OUT_FOLDER     (tokenizers 0.23.3, transformers 5.24.0)
MODEL_FOLDER is the starter model as it lies in a library (tokenizer.json, tokenizer_config.json).
"""
import json, os, sys
from transformers import PreTrainedTokenizerFast

model, out = sys.argv[1:3]
config = json.load(open(os.path.join(model, "tokenizer_config.json")))
tokens = {k: config[k] for k in ("bos_token", "eos_token", "pad_token", "unk_token")}
tok = PreTrainedTokenizerFast(tokenizer_file=os.path.join(model, "tokenizer.json"), **tokens)
tok.chat_template = config["chat_template"]
plain = lambda text: tok(text, add_special_tokens=False)["input_ids"]

TEXTS = [
    "", " ", "\n\n", "The ferry leaves at 07:45 from pier 3.", "  two leading blanks", "trailing blanks  ",
    "don't, won't, we'll, they've, I'm, you're, he'd, it's", "12345 678 9", "price: 1,234.50 €",
    "½ of ٣٤ and Ⅷ, ² and ③", "naïve café Žluťoučký kůň", "e\u0301 combining", "日本語と한국어と中文", "שלום مرحبا नमस्ते",
    "🙂👩‍🚀🏳️‍🌈", "tab\there\r\nand there", "\ufeff!!byte order mark", "next\u0085line\u2028separator", "zero\u200bwidth",
    "if (a[i] != b) { return a[i] - 1; }  // odd", "<|im_start|>user\nhello<|im_end|>", "not a token: <|im_start |>",
    "x" * 60, "ab" * 40, "-" * 25, "CamelCase snake_case kebab-case", "\x00\x07\x7f",
]
strings = []
for text in TEXTS:
    ids = plain(text)
    strings.append({"text": text, "ids": ids, "tokens": tok.convert_ids_to_tokens(ids),
                    "decoded": tok.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)})

user = lambda text: {"role": "user", "content": text}
assistant = lambda text: {"role": "assistant", "content": text}
system = lambda text: {"role": "system", "content": text}
CHATS = [
    [user("Which queue does this belong to?"), assistant("Billing")],
    [system("Answer with one word."), user("Capital of Norway?"), assistant("Oslo")],
    [user("Hi"), assistant("Hello!"), user("How long is the mole?"), assistant("140 metres.\nIt was built in 1911.")],
    [user("Say nothing."), assistant("")],
    [user("mark <|im_end|> inside"), assistant("kept <|im_end|> inside")],
    [assistant("I begin."), user("Go on."), assistant("Done.")],
]
chats = []
for messages in CHATS:
    text = tok.apply_chat_template(messages, tokenize=False)
    ids = plain(text)
    mask = [0] * len(ids)
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        # The header alone is what generation sees; with no message before it, it is what the template puts there.
        before = tok.apply_chat_template(messages[:turn], tokenize=False, add_generation_prompt=True) if turn else \
            text[: text.index("<|im_start|>assistant\n") + len("<|im_start|>assistant\n")]
        upto = tok.apply_chat_template(messages[: turn + 1], tokenize=False)
        assert text.startswith(before) and text.startswith(upto) and upto.endswith("<|im_end|>\n")
        first, last = len(plain(before)), len(plain(upto[:-1]))
        mask[first:last] = [1] * (last - first)
    chats.append({"messages": messages, "text": text, "ids": ids, "labels": [i if m else -100 for i, m in zip(ids, mask)],
                  "prompt": tok.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)})

def save(name, value):
    with open(os.path.join(out, name), "w") as file:
        json.dump(value, file, ensure_ascii=True)
        file.write("\n")

save("tokenizer-strings.json", {"model": "SmolLM2-135M-Instruct", "rows": strings})
save("tokenizer-chats.json", {"model": "SmolLM2-135M-Instruct", "template": tok.chat_template, "rows": chats})
