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
  verdict: {
    better: 'better than the base model: {tuned} ({low} to {high}), was {base}',
    worse: 'worse than the base model: {tuned} ({low} to {high}), was {base}',
    'no-measurable-difference': 'no measurable difference: {tuned} ({low} to {high}), was {base}',
  },
} as const
