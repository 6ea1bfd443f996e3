// Words of the screen of projects.
export const projects = {
  headingGoOn: 'Go on, or begin something new',
  heading: 'What should the model learn to do?',
  sentence:
    'Pick a goal. Goals with a sample let you see a whole run on this computer before you bring your own files.',
  goOn: 'Continue',
  open: 'Open',
  openNamed: 'Open {name}',
  runs: 'no run yet | {count} run | {count} runs',
  sample: 'with sample rows',
  lastUsed: 'last used {day}',
  training: 'training now',
  more: 'More for {name}',
  rename: {
    item: 'Rename',
    title: 'Rename the project',
    text: 'Its runs and rows stay as they are.',
    confirm: 'Rename',
  },
  removal: {
    item: 'Remove',
    title: 'Remove {name}?',
    text: 'This goes to your computer’s bin; you can take it back out from there.',
    looking: 'Looking what is in it',
    files: '{count} file: {names} | {count} files: {names}',
    runs: '{count} run, with its safe points and trained adapter | {count} runs, with their safe points and trained adapters',
    onlyDraft: 'What you chose so far; it has no files and no runs.',
    keeps:
      'Exports and models stay where they are, and the figures of its runs stay in the journal file. Rows that were prepared for a run stay until you remove them in Settings.',
    confirm: 'Move to the bin',
    working: 'Moving to the bin',
    failed:
      '{count} run could not be removed, so the project is still here. | {count} runs could not be removed, so the project is still here.',
  },
  verdict: {
    better: 'better than the base model: {tuned} ({low} to {high}), was {base}',
    worse: 'worse than the base model: {tuned} ({low} to {high}), was {base}',
    'no-measurable-difference': 'no measurable difference: {tuned} ({low} to {high}), was {base}',
  },
} as const
