// What every command shares: the options that all accept, and how its code is run.
import { type Command, InvalidArgumentError } from 'commander'
import { ProblemError } from '#shared/result.ts'
import { type Application, openApplication } from './application.ts'
import { createOutput, exitCodeOf } from './output.ts'

interface CommonOptions {
  readonly home?: string
  /** Of commands that only read. */
  readonly journal?: string
  readonly json?: boolean
}

type Work = (application: Application) => Promise<void> | void

export type Run = (command: Command, work: Work) => Promise<void>

/** Opens the application, runs the command, turns a Problem into words and an exit code, closes everything. */
export const runnerOf =
  (program: Command): Run =>
  async (command, work) => {
    const { home, json, journal } = commonOptionsOf(program, command)
    const output = createOutput(json === true)
    let application: Application | undefined
    try {
      application = openApplication(home, output, isReading(command) ? { onlyReads: true, journal } : {})
      await work(application)
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      output.problem(application?.toldAs(error.problem) ?? error.problem)
      process.exitCode = exitCodeOf(error.problem)
    } finally {
      application?.close()
    }
  }

export const commonOptionsOf = (program: Command, command: Command): CommonOptions => ({
  ...program.opts<CommonOptions>(),
  ...command.opts<CommonOptions>(),
})

/** Accepted before and after the command's name. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--home <folder>', 'where Tunewright keeps models, data, runs and the journal')
    .option('--json', 'print the result as JSON for a script')
}

export const addCommand = (parent: Command, name: string, description: string): Command =>
  addCommonOptions(parent.command(name).description(description))

const journalFlag = '--journal'

export const addJournalOption = (command: Command): Command =>
  command.option(`${journalFlag} <file>`, 'read this journal instead; not a byte is written beside it')

/** One that changes nothing: it takes `--journal`, and where nothing can be written it reads all the same. */
export const addReadingCommand = (parent: Command, name: string, description: string): Command =>
  addJournalOption(addCommand(parent, name, description))

export const isReading = (command: Command): boolean =>
  command.options.some(({ long }) => long === journalFlag)

export const whole = (text: string): number => {
  if (!/^[1-9][0-9]{0,3}$/.test(text))
    throw new InvalidArgumentError('Expected a whole number from 1 to 9,999.')
  return Number(text)
}

/** An option that may stand several times. */
export const collect = (value: string, before: string[]): string[] => [...before, value]
