// Words of the screen "Use it": what the run made to take away, and both versions to try.
export const use = {
  button: 'Use it',
  loading: 'Opening the run',
  crumb: 'Use it',
  headingNone: 'There is nothing to take away yet',
  sentenceNone:
    'Once the run has finished, or was stopped after its first measurement, what it learnt can be used here.',
  headingReady: 'Ready to be used',
  sentenceReady: 'Take away what it learnt from your rows, or try it below, beside the model it came from.',
  headingChecked: 'Taken away, and checked',
  headingUnsure: 'Look at your export again',
  sentenceChecked:
    'What it learnt lies on this computer as a folder that you can copy. Try it on this screen.',
  sentenceUnsure: 'The newest export is gone, was changed, or did not pass its check. Export it again.',
  sentenceLabels:
    'What it learnt names texts, and has no words of its own to talk with. Try it on a text, or take it away.',
  name: {
    title: 'Have it name a text',
    placeholder: 'Write or paste a text',
    keys: 'Enter has it named, Shift and Enter begins a new line. Nothing of it is kept.',
    button: 'Name it',
    suggestions: 'Or one of your rows that it did not learn from:',
    reading: 'Reading the text',
    likelihood: 'how likely it takes each label to be',
    empty: 'To name a text, write or paste one first.',
    modelGone: 'The model is no longer on this computer, so nothing can be named; add it again first.',
    of: 'Of the text:',
    said: 'Named {label}, {share}.',
    unsure: 'Not sure, perhaps {label}',
    unsureSaid: 'Not sure. {doubt}',
    close:
      '“{label}” ({share}) and “{other}” ({otherShare}) are so close that it could be either. Look at the text yourself.',
    noneClear:
      'No label reaches one half: “{label}” is the likeliest with {share}, by its own reckoning more likely wrong than right. Look at the text yourself.',
    found:
      'It found no name in this text | It found {count} name in this text | It found {count} names in this text',
    under: 'under 1 %',
    over: 'over 99 %',
    all: 'Show all {count} labels',
    expected: 'In your row stands:',
  },
  withLayer: {
    what: 'A model of its own, made from {model} and the layer that the run trained. It needs nothing beside it, and takes the space of a whole model.',
    opensWith:
      'It opens in programs that read Hugging Face folders, such as Transformers in Python. The README in the folder has a program ready to run, and says so where Transformers has no class with this layer.',
  },
  toRun: 'The run',
  toProof: 'Did it get better?',
  take: 'Take it away',
  form: 'In which form',
  forms: {
    peft: {
      title: 'The adapter alone',
      term: 'adapter in PEFT form',
      what: 'An adapter is what the run learnt, and only that: a small file that is put on top of the model {model}. The model itself stays as it is, and whoever uses the adapter needs it too.',
      opensWith:
        'It opens in programs that read PEFT adapters, such as Hugging Face Transformers with PEFT in Python. The README in the folder has a program ready to run, written for this adapter.',
    },
    model: {
      title: 'A whole model, as a folder',
      term: 'Hugging Face model folder',
      what: 'A model of its own, made from {model} and what the run learnt. It needs nothing beside it, and takes the space of a whole model.',
      opensWith:
        'It opens in programs that read Hugging Face folders, such as Transformers in Python, and can be added to Tunewright as a model.',
    },
    'gguf-f16': {
      title: 'A whole model, as one file',
      term: 'GGUF F16',
      what: 'One file with a model of its own, made from {model} and what the run learnt, its numbers rounded to 16 bits. Answers can differ slightly from those that were measured here.',
      opensWith:
        'It opens in llama.cpp and in programs built on it. Only models of the Llama family can be written so.',
    },
    'gguf-q8': {
      title: 'A whole model, as one smaller file',
      term: 'GGUF Q8_0',
      what: 'One file with a model of its own, made from {model} and what the run learnt, its numbers rounded to 8 bits: half the size of 16 bits. Answers can differ from those that were measured here.',
      opensWith:
        'It opens in llama.cpp and in programs built on it. Only models of the Llama family can be written so.',
    },
  },
  tried: 'That program was tried with {versions}.',
  versions: 'transformers 5.24.0, peft 0.21.2 and torch 2.15.0',
  export: 'Export it',
  exportAgain: 'Export again',
  working: 'Writing the files',
  stopped: 'The export was stopped. Files that were written before stay in the list below.',
  modelGone:
    'The model {name} is no longer on this computer. It is needed to export and to check; add it again first.',
  exports: 'Your exports',
  exportedAt: '{when} · {size}',
  files: 'Files',
  place: 'Lies in',
  copyPlace: 'Copy where {name} lies',
  reveal: 'Show in folder',
  checked: 'Checked',
  notGood: 'Not as it should be',
  gone: 'It is no longer there: the folder was moved or removed.',
  changed: 'Changed since it was written: {files}. Export it again to have it as the run wrote it.',
  try: 'Try it',
} as const
