// Entry of the command line.
import { CommanderError } from 'commander'
import { describeProblem, ProblemError } from '#shared/result.ts'
import { exitCodes } from './output.ts'
import { createProgram } from './program.ts'

// A closed pipe or terminal is no fault: what must be saved is saved all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await createProgram().parseAsync()
} catch (error) {
  if (error instanceof ProblemError) {
    process.stderr.write(`${describeProblem(error.problem)}\n`)
    process.exitCode = exitCodes.problem
  } else if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  } else throw error
}
