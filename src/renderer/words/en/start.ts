// Words of the first start.
export const start = {
  title: 'Welcome',
  heading: 'Teach a language model your own work',
  sentence:
    'Tunewright trains a small language model on your examples, on this computer, and shows with numbers whether it got better.',
  trySample: 'Try a sample',
  ownFiles: 'Start with my own files',
  sampleName: 'Bike shop messages',
  sampleGoal: 'Sort messages to a bike shop by the team that answers them',
  sample: {
    heading: 'The sample',
    about:
      'A bike shop gets messages, and the model learns which team should answer each. The rows are ready, with the small faults that real files have.',
    reads: 'It reads',
    message: 'Can one still get a battery for the City Line from 2014?',
    answers: 'It answers',
    team: 'spare parts',
  },
  promises: {
    here: 'Your files stay on this computer. It works without a network.',
    account: 'No account, no sign-up.',
    wait: 'You can go on at once; the check of this computer needs no one to watch it.',
  },
  test: {
    heading: 'This computer',
    notYet: 'Every part is started once and asked for an answer.',
    running: 'Checking: {what}',
    good: 'Everything works. It took {count} second. | Everything works. It took {count} seconds.',
    faulty:
      'One thing needs a hand. The rest works, and you can go on. | {count} things need a hand. The rest works, and you can go on.',
    run: 'Run the check',
    busy: 'Checking',
    again: 'Check again',
    seconds: '{seconds} s',
    instant: '< 0.1 s',
    checks: {
      computer: 'Processor and memory',
      graphics: 'Graphics card',
      disk: 'Saving to the disk',
      journal: 'The journal of your runs',
      trainer: 'Training',
      scorer: 'Measuring',
      generator: 'Answering',
      models: 'Models on this computer',
    },
    about: {
      computer: 'what is there to work with',
      graphics: 'whether there is one, and what it can do here',
      disk: 'a small file is written and taken away again',
      journal: 'every entry is read again',
      trainer: 'the part that trains is started',
      scorer: 'the part that measures is started',
      generator: 'the part that answers is started',
      models: 'what is already here',
    },
    states: {
      waiting: 'not checked yet',
      running: 'is being checked',
      good: 'works',
      faulty: 'needs a hand',
    },
  },
} as const
