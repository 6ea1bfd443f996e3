// Puts the commands of the command line together. Every command's code is loaded when it is used.
import { Command, CommanderError } from 'commander'
import type { Problem } from '#shared/result.ts'
import { appVersion } from './application.ts'
import { createOutput, exitCodes } from './output.ts'
import { addCommonOptions, addJournalOption, isReading, runnerOf } from './program-command.ts'
import { addDataCommands, addEmbedCommand } from './program-data.ts'
import { addDeviceCommands, addDoctorCommand } from './program-devices.ts'
import { addJournalCommands } from './program-journal.ts'
import { addEngineCommands, addModelCommands } from './program-models.ts'
import { addProofCommands } from './program-proof.ts'
import { addRunCommands } from './program-runs.ts'
import { addStudyCommands } from './program-studies.ts'
import { addDemoCommand, addWorkstationCommands } from './program-workstation.ts'

/** Runs the command of this process's parameters; how it ended is the process's exit code. */
export async function runProgram(): Promise<void> {
  try {
    await createProgram().parseAsync()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
}

function createProgram(): Command {
  const program = new Command('tunewright')
    .description('Fine-tune language models on your own computer, and see honestly whether it helped.')
    .version(appVersion)
    .showHelpAfterError('(add --help for the options)')
    .enablePositionalOptions()
    .exitOverride(endParsing)
  addJournalOption(addCommonOptions(program))
  program.hook('preAction', (_program, command) => {
    if (program.opts().journal !== undefined && !isReading(command))
      command.error('error: --journal goes with commands that only read', { exitCode: exitCodes.usage })
  })
  const run = runnerOf(program)
  addModelCommands(program, run)
  addEngineCommands(program, run)
  addDataCommands(program, run)
  addEmbedCommand(program, run)
  addDeviceCommands(program, run)
  addRunCommands(program, run)
  addStudyCommands(program, run)
  addProofCommands(program, run)
  addDoctorCommand(program, run)
  addJournalCommands(program, run)
  addDemoCommand(program, run)
  addWorkstationCommands(program, run)
  return program
}

/**
 * Help, version, or wrong use, which commander has put into words already; a script gets it as a Problem like any other.
 * The parameters are searched because parsing may have ended before it came to --json.
 */
function endParsing(error: CommanderError): never {
  if (error.exitCode !== 0)
    createOutput(process.argv.includes('--json')).result({ problem: usageProblem(error) })
  throw error
}

/** Commander says "error: unknown command 'trian'", then perhaps "(Did you mean train?)" on a line of its own. */
function usageProblem({ code, message }: CommanderError): Problem {
  const [what = '', hint = ''] = message.replace(/^error: /, '').split('\n')
  const isIncomplete = code === 'commander.help'
  return {
    code: 'usage.invalid',
    message: isIncomplete ? 'The command is not complete.' : what,
    where: 'the command line',
    remedy: `${hint.replace(/^\((.*)\)$/, '$1 ')}Add --help for the commands and options.`,
  }
}
