// The commands and their options, declared once. Every command's code is loaded when it is used.
import { Command, Option } from 'commander'
import type { Setting } from '#core/training/recipe-file.ts'
import { scenarioIds } from '#shared/recipe.ts'
import { ProblemError } from '#shared/result.ts'
import { type Application, appVersion, type GlobalOptions, openApplication } from './application.ts'
import { settingFlags, trainOptionsOf } from './setting-flags.ts'

type Work = (application: Application) => Promise<void> | void

export function createProgram(): Command {
  const program = new Command('tunewright')
    .description('Fine-tune language models on your own computer, and see honestly whether it helped.')
    .version(appVersion)
    .option('--home <folder>', 'where Tunewright keeps models, data, runs and the journal')
    .option('--json', 'print the result as JSON for a script')
    .showHelpAfterError('(add --help for the options)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()

  /** Opens the application, runs the command, turns a Problem into words and an exit code, closes everything. */
  const run = async (work: Work): Promise<void> => {
    const application = openApplication(program.opts<GlobalOptions>())
    try {
      await work(application)
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      application.failWith(error.problem)
    } finally {
      application.close()
    }
  }

  addModelCommands(program, run)
  addDataCommands(program, run)
  addRunCommands(program, run)
  addProofCommands(program, run)
  program
    .command('doctor')
    .description('self-test: computer, disk, journal, child processes, models')
    .action(() => run(async (application) => (await import('./commands/doctor.ts')).runDoctor(application)))
  program
    .command('demo')
    .description('the main job on a sample: bring a small model, train, prove, export; a few minutes')
    .addOption(new Option('--json <file>', 'write the same facts into a file'))
    .action((options: { json?: string }) =>
      run(async (application) => (await import('./commands/demo.ts')).runDemo(application, options.json)),
    )
  return program
}

type Run = (work: Work) => Promise<void>
const whole = (text: string): number => Number.parseInt(text, 10)
const collect = (value: string, before: string[]): string[] => [...before, value]

function addModelCommands(program: Command, run: Run): void {
  const models = program.command('models').description('models of the library')
  models
    .command('add')
    .description('bring a model: "starter", or a Hugging Face folder or GGUF file')
    .argument('<what>')
    .option('--file <path>', 'starter only: a GGUF file or folder that you already have')
    .action((what: string, options: { file?: string }) =>
      run(async (application) => {
        await (await import('./commands/models.ts')).addModel(application, what, options.file)
      }),
    )
  models
    .command('list')
    .description('what the library holds')
    .action(() => run(async (application) => (await import('./commands/models.ts')).printModels(application)))
  models
    .command('show')
    .description('everything about one model')
    .argument('<model>')
    .option('--verify', 'read every byte and compare its hash')
    .action((name: string, options: { verify?: boolean }) =>
      run(async (application) =>
        (await import('./commands/models.ts')).printModel(application, name, options.verify === true),
      ),
    )
}

function addDataCommands(program: Command, run: Run): void {
  program
    .command('data')
    .description('examples')
    .command('check')
    .description('which rows can be used, which not and why; nothing is changed')
    .argument('<file>')
    .addOption(
      new Option('--scenario <name>', 'what the model shall do').choices(scenarioIds).makeOptionMandatory(),
    )
    .option('--column <role=column>', 'which column holds what, e.g. text=message', collect, [])
    .action((file: string, options: { scenario: string; column: string[] }) =>
      run(async (application) => {
        const { readDraft } = await import('./commands/train.ts')
        const { checkDataFile } = await import('./commands/data.ts')
        const settings: Setting[] = [
          ['scenario', options.scenario],
          ['model', 'none'],
          ['data.path', JSON.stringify(file)],
        ]
        await checkDataFile(application, readDraft(undefined, { settings, columns: options.column }))
      }),
    )
}

function addRunCommands(program: Command, run: Run): void {
  const train = program
    .command('train')
    .description('train an adapter by a recipe file, by flags, or both (flags win)')
    .argument('[recipe]')
  for (const { flag, help } of settingFlags) train.option(flag, help)
  train
    .option('--column <role=column>', 'which column holds what, e.g. text=message', collect, [])
    .option('--set <path=value>', 'any setting of the recipe, e.g. method.rank=16', collect, [])
    .action((recipePath: string | undefined, options: Record<string, unknown>) =>
      run(async (application) => {
        const { readDraft, train: trainByDraft } = await import('./commands/train.ts')
        await trainByDraft(application, readDraft(recipePath, trainOptionsOf(options)))
      }),
    )

  const runs = program.command('runs').description('runs of the journal')
  runs
    .command('list')
    .option('--limit <number>', 'how many', whole, 20)
    .action((options: { limit: number }) =>
      run(async (application) => (await import('./commands/runs.ts')).listRuns(application, options)),
    )
  runs
    .command('show')
    .argument('<run>')
    .action((runId: string) =>
      run(async (application) => (await import('./commands/runs.ts')).showRun(application, runId)),
    )
  runs
    .command('resume')
    .description('go on from the last checkpoint')
    .argument('<run>')
    .action((runId: string) =>
      run(async (application) => (await import('./commands/runs.ts')).resumeRun(application, runId)),
    )
  runs
    .command('cancel')
    .description('stop a run; it saves a checkpoint first')
    .argument('<run>')
    .action((runId: string) =>
      run(async (application) => (await import('./commands/runs.ts')).cancelRun(application, runId)),
    )
}

function addProofCommands(program: Command, run: Run): void {
  program
    .command('proof')
    .description('base against tuned on the locked test set, with intervals')
    .argument('<run>')
    .action((runId: string) =>
      run(async (application) => {
        await (await import('./commands/proof.ts')).proveTunedRun(application, runId)
      }),
    )
  program
    .command('export')
    .description('take the adapter away')
    .argument('<run>')
    .addOption(new Option('--as <form>', 'form').choices(['peft']).default('peft'))
    .action((runId: string) =>
      run(async (application) => {
        await (await import('./commands/export.ts')).exportRun(application, runId)
      }),
    )
}
