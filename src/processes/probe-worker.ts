// Entry of the thread in which core tries a stranger's tokenizer and chat template.
import '#core/models/probe-worker.ts'
