// How a run is called where several stand beside each other. Runs are named like their project unless a person says
// otherwise, so those that share a name are told apart by their number in the project.

export interface LabelledRun {
  readonly name: string
  /** Which run of its project it is, from 1; null where no other one there has its name, and of a trial. */
  readonly number: number | null
}

export const runLabel = ({ name, number }: LabelledRun): string =>
  number === null ? name : `${name} #${number}`
