// The commands and their options, declared once. Every command's code is loaded when it is used.
import { Argument, Command, type CommanderError, InvalidArgumentError, Option } from 'commander'
import type { Setting } from '#core/training/recipe-file.ts'
import { type JournalForm, journalForms } from '#shared/contract/index.ts'
import { type DeviceId, deviceIds, type EngineId, engineIds } from '#shared/devices.ts'
import { poolings } from '#shared/embedding-protocol.ts'
import { type ExportForm, exportForms } from '#shared/export-forms.ts'
import { scenarioIds } from '#shared/recipe.ts'
import { type Problem, ProblemError } from '#shared/result.ts'
import { type Application, appVersion, openApplication } from './application.ts'
import type { EmbedOptions } from './commands/embed.ts'
import type { ListOptions } from './commands/runs.ts'
import { createOutput, exitCodeOf } from './output.ts'
import { settingFlags, settingOf, trainOptionsOf } from './setting-flags.ts'
import type { StudyFlags } from './study-flags.ts'

interface CommonOptions {
  readonly home?: string
  readonly json?: boolean
}

type Work = (application: Application) => Promise<void> | void

export function createProgram(): Command {
  const program = new Command('tunewright')
    .description('Fine-tune language models on your own computer, and see honestly whether it helped.')
    .version(appVersion)
    .showHelpAfterError('(add --help for the options)')
    .enablePositionalOptions()
    .exitOverride(endParsing)
  addCommonOptions(program)

  /** Opens the application, runs the command, turns a Problem into words and an exit code, closes everything. */
  const run: Run = async (command, work) => {
    const { home, json } = { ...program.opts<CommonOptions>(), ...command.opts<CommonOptions>() }
    const output = createOutput(json === true)
    let application: Application | undefined
    try {
      application = openApplication(home, output)
      await work(application)
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      output.problem(error.problem)
      process.exitCode = exitCodeOf(error.problem)
    } finally {
      application?.close()
    }
  }

  addModelCommands(program, run)
  addEngineCommands(program, run)
  addDataCommands(program, run)
  addEmbedCommand(program, run)
  addDeviceCommands(program, run)
  addRunCommands(program, run)
  addStudyCommands(program, run)
  addProofCommands(program, run)
  addDoctorCommand(program, run)
  const journal = program.command('journal').description('the journal of all runs')
  addJournalKeeping(journal, run)
  addArchiveCommands(journal, run)
  addDemoCommand(program, run)
  addWorkstationCommands(program, run)
  return program
}

function addJournalKeeping(journal: Command, run: Run): void {
  const load = () => import('./commands/journal.ts')
  addCommand(journal, 'restore', 'after damage: put the newest verified backup in its place')
    .option('--backup <name>', 'this backup instead, by its name in: journal backups')
    .action((options: { backup?: string }, command: Command) =>
      run(command, async (application) => (await load()).restoreJournal(application, options)),
    )
  addCommand(journal, 'backups', 'the backups there are, newest first').action((_options, command: Command) =>
    run(command, async (application) => (await load()).showBackups(application)),
  )
  addCommand(journal, 'check', 'read every entry again, and keep what was found').action(
    (_options, command: Command) =>
      run(command, async (application) => (await load()).checkJournal(application)),
  )
  addCommand(
    journal,
    'accept',
    'take a journal that something else changed since it was closed as it is',
  ).action((_options, command: Command) =>
    run(command, async (application) => (await load()).acceptJournal(application)),
  )
}

function addArchiveCommands(journal: Command, run: Run): void {
  const load = () => import('./commands/archive.ts')
  addCommand(journal, 'export', 'carry it out in an open form, or chosen runs as one bundle')
    .addArgument(new Argument('<form>').choices([...journalForms]))
    .option('--runs <run...>', 'of these runs only; a bundle wants some')
    .option('--to <folder>', "where it is put; left out, the library's exports")
    .option('--without-rows', 'of a bundle: rows of the data sets, and answers to them, stay here')
    .action(
      (
        form: JournalForm,
        options: { runs?: string[]; to?: string; withoutRows?: boolean },
        command: Command,
      ) =>
        run(command, async (application) =>
          (await load()).exportArchive(application, form, {
            runs: options.runs ?? [],
            rows: options.withoutRows !== true,
            ...(options.to === undefined ? {} : { to: options.to }),
          }),
        ),
    )
  addCommand(journal, 'exports', 'what was carried out before, and where it lies').action(
    (_options, command: Command) =>
      run(command, async (application) => (await load()).printExports(application)),
  )
  addCommand(
    journal,
    'import',
    "bring in another computer's journal (a journal.db, a backup) or a run bundle",
  )
    .argument('<file>')
    .action((file: string, _options: unknown, command: Command) =>
      run(command, async (application) => (await load()).importArchive(application, file)),
    )
}

function addDoctorCommand(program: Command, run: Run): void {
  addCommand(program, 'doctor', 'self-test: computer, graphics, disk, journal, child processes, models')
    .option('--device <id>', 'of one device instead, e.g. tensorflow-cuda; "cuda": all of NVIDIA\'s')
    .option('--full', "with --device: its whole suite, or a real step beside the processor's")
    .action(({ device, full = false }: { device?: string; full?: boolean }, command: Command) =>
      run(command, async (application) => {
        if (device === undefined) return (await import('./commands/doctor.ts')).runDoctor(application)
        const { runDeviceDoctor } = await import('./commands/doctor-device.ts')
        return runDeviceDoctor(application, device, { isFull: full })
      }),
    )
}

/** The workstation opens the library itself; so these begin without an application. */
function addWorkstationCommands(program: Command, run: Run): void {
  addCommand(program, 'web', 'the workstation in a browser on this computer')
    .option('--open', 'open the address in the browser')
    .action(async (options: { open?: boolean }, command: Command) => {
      const { home } = { ...program.opts<CommonOptions>(), ...command.opts<CommonOptions>() }
      await (await import('./commands/web.ts')).runWeb({ home, opensBrowser: options.open === true })
    })
  addCommand(program, 'call', 'one call of the workstation, answered as JSON')
    .argument('<name>', 'e.g. projects.list')
    .argument('[json]', 'its input', '{}')
    .action((name: string, json: string, _options: unknown, command: Command) =>
      run(command, async (application) =>
        (await import('./commands/call.ts')).runCall(application, name, json),
      ),
    )
}

type Run = (command: Command, work: Work) => Promise<void>

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

/** Accepted before and after the command's name. */
function addCommonOptions(command: Command): Command {
  return command
    .option('--home <folder>', 'where Tunewright keeps models, data, runs and the journal')
    .option('--json', 'print the result as JSON for a script')
}

const addCommand = (parent: Command, name: string, description: string): Command =>
  addCommonOptions(parent.command(name).description(description))

/** Here --json names a file: the demo prints its report, and wrong use of it, for people either way. */
function addDemoCommand(program: Command, run: Run): void {
  program
    .command('demo')
    .description('the main job on a sample: bring a small model, train, prove, export; a few minutes')
    .option('--home <folder>', 'where Tunewright keeps models, data, runs and the journal')
    .option('--json <file>', 'write the same facts into a file')
    .exitOverride()
    .action(({ json }: { json?: string }, command: Command) => {
      command.setOptionValue('json', undefined)
      return run(command, async (application) =>
        (await import('./commands/demo.ts')).runDemo(application, json),
      )
    })
}

const starCount = (text: string): number => {
  if (!/^[0-5]$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 0 to 5.')
  return Number(text)
}

const whole = (text: string): number => {
  if (!/^[1-9][0-9]{0,3}$/.test(text))
    throw new InvalidArgumentError('Expected a whole number from 1 to 9,999.')
  return Number(text)
}
const collect = (value: string, before: string[]): string[] => [...before, value]

function addModelCommands(program: Command, run: Run): void {
  const models = program.command('models').description('models of the library')
  addCommand(models, 'add', 'bring a model: "starter", or a Hugging Face folder or GGUF file')
    .argument('<what>')
    .option('--file <path>', 'starter only: a GGUF file or folder that you already have')
    .action((what: string, options: { file?: string }, command: Command) =>
      run(command, async (application) => {
        await (await import('./commands/models.ts')).addModel(application, what, options.file)
      }),
    )
  addCommand(models, 'list', 'what the library holds').action((_options, command: Command) =>
    run(command, async (application) => (await import('./commands/models.ts')).printModels(application)),
  )
  addCommand(models, 'show', 'everything about one model')
    .argument('<model>')
    .option('--verify', 'read every byte and compare its hash')
    .action((name: string, options: { verify?: boolean }, command: Command) =>
      run(command, async (application) =>
        (await import('./commands/models.ts')).printModel(application, name, options.verify === true),
      ),
    )
}

function addEngineCommands(program: Command, run: Run): void {
  const engines = program
    .command('engines')
    .description('add, list and remove engines: larger runtimes that a run can be computed with')
  const load = () => import('./commands/engines.ts')
  addCommand(engines, 'list', 'which there are, what they are good for, which are here').action(
    (_options, command: Command) =>
      run(command, async (application) => (await load()).printEngines(application)),
  )
  const onOneEngine = (name: string, description: string): Command =>
    addCommand(engines, name, description).addArgument(new Argument('<engine>').choices(engineIds))
  onOneEngine(
    'add',
    'fetch one, check it, try it out. The command is the permission; the switch in the settings is for the screens',
  )
    .option(
      '--file <path>',
      'a file of it that you already have, once for each; no network is used',
      collect,
      [],
    )
    .action((id: EngineId, options: { file: string[] }, command: Command) =>
      run(command, async (application) => (await load()).fetchEngine(application, id, options.file)),
    )
  onOneEngine('remove', 'give its space back').action((id: EngineId, _options: unknown, command: Command) =>
    run(command, async (application) => (await load()).dropEngine(application, id)),
  )
  onOneEngine('verify', 'read every byte and compare its hash').action(
    (id: EngineId, _options: unknown, command: Command) =>
      run(command, async (application) => (await load()).checkEngine(application, id)),
  )
}

function addDeviceCommands(program: Command, run: Run): void {
  const devices = program
    .command('devices')
    .description('what runs can be computed on, and how fast that is on this computer')
  const load = () => import('./commands/devices.ts')
  const withModel = (command: Command): Command =>
    command.option('--model <model>', 'name or id from models list; left out, the starter')
  withModel(
    addCommand(devices, 'list', 'which there are here, what was measured, and which one a run takes'),
  ).action((options: { model?: string }, command: Command) =>
    run(command, async (application) => (await load()).listDevices(application, options.model)),
  )
  withModel(addCommand(devices, 'measure', 'a real training step on each of them')).action(
    (options: { model?: string }, command: Command) =>
      run(command, async (application) => (await load()).measureAll(application, options.model)),
  )
  addCommand(devices, 'use', 'take one for all runs that ask for nothing; "fastest" takes the fastest again')
    .addArgument(new Argument('<device>').choices([...deviceIds, 'fastest']))
    .action((device: DeviceId | 'fastest', _options: unknown, command: Command) =>
      run(command, async (application) =>
        (await load()).useDevice(application, device === 'fastest' ? null : device),
      ),
    )
}

function addDataCommands(program: Command, run: Run): void {
  const data = program.command('data').description('examples')
  addCommand(data, 'check', 'which rows can be used, which not and why; nothing is changed')
    .argument('<file>')
    .addOption(
      new Option('--scenario <name>', 'what the model shall do').choices(scenarioIds).makeOptionMandatory(),
    )
    .option('--column <role=column>', 'which column holds what, e.g. text=message', collect, [])
    .action((file: string, options: { scenario: string; column: string[] }, command: Command) =>
      run(command, async (application) => {
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

function addEmbedCommand(program: Command, run: Run): void {
  addCommand(program, 'embed', 'a vector for each text of a table or document, as JSON lines')
    .argument('<file>')
    .requiredOption('--model <model>', 'name or id from models list; an encoder such as MiniLM does it best')
    .option('--column <name>', 'the column that holds the texts; left out: guessed')
    .addOption(
      new Option(
        '--pooling <kind>',
        'mean of all tokens, the first (cls) or the last; left out: by the model',
      ).choices(poolings),
    )
    .addOption(
      new Option('--max-tokens <number>', 'of a longer text the beginning counts')
        .argParser(whole)
        .default(256),
    )
    .action((file: string, options: EmbedOptions, command: Command) =>
      run(command, async (application) =>
        (await import('./commands/embed.ts')).embedFile(application, file, options),
      ),
    )
}

function addRunCommands(program: Command, run: Run): void {
  const train = addCommand(
    program,
    'train',
    'train an adapter by a recipe file, by flags, or both (flags win)',
  )
  train.argument('[recipe]')
  for (const { flag, help } of settingFlags) train.option(flag, help)
  train
    .option('--column <role=column>', 'which column holds what, e.g. text=message', collect, [])
    .option('--set <path=value>', 'any setting of the recipe, e.g. method.rank=16', collect, [])
    .action((recipePath: string | undefined, options: Record<string, unknown>, command: Command) =>
      run(command, async (application) => {
        const { readDraft, train: trainByDraft } = await import('./commands/train.ts')
        await trainByDraft(application, readDraft(recipePath, trainOptionsOf(options)))
      }),
    )

  const runs = program.command('runs').description('runs of the journal')
  const load = () => import('./commands/runs.ts')
  addCommand(runs, 'list', 'the newest runs')
    .option('--limit <number>', 'how many', whole, 20)
    .option('--text <words>', 'with these words in name, notes, tags or answers')
    .option('--stars <number>', 'with at least so many stars', starCount)
    .option('--pinned', 'pinned ones only')
    .option('--archived', 'archived ones only')
    .option('--trials', 'trials of searches too')
    .action((options: ListOptions, command: Command) =>
      run(command, async (application) => (await load()).listRuns(application, options)),
    )
  const onOneRun = (
    name: string,
    description: string,
    work: (application: Application, runId: string) => Promise<void>,
  ) =>
    addCommand(runs, name, description)
      .argument('<run>')
      .action((runId: string, _options: unknown, command: Command) =>
        run(command, (application) => work(application, application.findRun(runId))),
      )
  onOneRun('show', 'settings, curves, proof and files of a run', async (application, runId) =>
    (await load()).showRun(application, runId),
  )
  onOneRun('resume', 'go on from the last checkpoint', async (application, runId) =>
    (await load()).resumeRun(application, runId),
  )
  onOneRun(
    'repeat',
    'the same recipe, seed, rows and device once more: does the same come out?',
    async (application, runId) => (await load()).repeatRun(application, runId),
  )
  addCommand(runs, 'retry', 'the same rows and model with other settings, as a run that remembers this one')
    .argument('<run>')
    .option('--set <path=value>', 'any setting of the recipe, e.g. method.rank=16', collect, [])
    .action((runId: string, options: { set: string[] }, command: Command) =>
      run(command, async (application) =>
        (await load()).retryRun(application, application.findRun(runId), options.set.map(settingOf)),
      ),
    )
  onOneRun('cancel', 'stop a run; it saves a checkpoint first', async (application, runId) =>
    (await load()).cancelRun(application, runId),
  )
  addMarkCommands(runs, run)
}

/** What a person says of a run. */
function addMarkCommands(runs: Command, run: Run): void {
  const load = () => import('./commands/mark-runs.ts')
  addCommand(runs, 'rate', 'give a run 1 to 5 stars; 0 takes them away')
    .argument('<run>')
    .argument('<stars>', 'from 0 to 5', starCount)
    .action((runId: string, stars: number, _options: unknown, command: Command) =>
      run(command, async (application) =>
        (await load()).markRun(application, application.findRun(runId), { rating: stars || null }),
      ),
    )
  for (const [name, key, description] of [
    ['pin', 'isPinned', 'pin a run: lists can be narrowed to pinned ones'],
    ['archive', 'isArchived', 'take a run out of the usual lists; nothing of it is removed'],
  ] as const)
    addCommand(runs, name, description)
      .argument('<run>')
      .option('--off', 'take it back')
      .action((runId: string, { off }: { off?: boolean }, command: Command) =>
        run(command, async (application) =>
          (await load()).markRun(application, application.findRun(runId), { [key]: off !== true }),
        ),
      )
  addCommand(runs, 'note', 'write a note on a run, in place of the one it had')
    .argument('<run>')
    .argument('<text>')
    .action((runId: string, text: string, _options: unknown, command: Command) =>
      run(command, async (application) =>
        (await load()).noteRun(application, application.findRun(runId), text),
      ),
    )
  addCommand(runs, 'tag', 'give a run these tags, in place of those it had')
    .argument('<run>')
    .argument('[tags...]')
    .action((runId: string, tags: string[], _options: unknown, command: Command) =>
      run(command, async (application) =>
        (await load()).tagRun(application, application.findRun(runId), tags),
      ),
    )
}

function addStudyCommands(program: Command, run: Run): void {
  const studies = program.command('studies').description('searches for better settings')
  const load = () => import('./commands/studies.ts')
  const onSearch = (name: string, description: string): Command =>
    addCommand(studies, name, description)
      .argument('[recipe]')
      .option('--project <name>', 'of a project of the workstation, by name or id, in place of a recipe file')
      .option('--preset <name>', 'with --project: which plan it begins from, e.g. balanced')
      .option('--column <role=column>', 'which column holds what, e.g. text=message', collect, [])
      .option('--set <path=value>', 'any setting of the recipe, e.g. method.rank=16', collect, [])
      .option(
        '--effort <kind>',
        'short, night or thorough: what is searched and how long, where you say nothing',
      )
      .option('--trials <number>', 'end after so many trials')
      .option('--hours <number>', 'end after so many hours of work')
      .option('--until <time>', 'end when the clock shows this, e.g. 07:00')
      .option(
        '--space <path=range>',
        'a range: path=low..high, path=low..high:log or path=one,another; once for each',
        collect,
        [],
      )
      .option('--sampler <kind>', 'tpe, random, quasi-random or grid')
      .option('--seed <number>', 'the same seed gives the same search')
      .option('--confirm <number>', 'seeds that plan and winner are compared with at the end; 1: none')
      .option('--no-pruning', 'no trial is given up early')
      .option('--no-earlier', 'do not begin from earlier results')
  const flagsOf = ({ seed, ...flags }: Record<string, unknown>): StudyFlags =>
    typeof seed === 'string' ? { ...flags, searchSeed: seed } : flags
  onSearch('plan', 'what a search would be; nothing is begun').action(
    (recipe: string | undefined, options: Record<string, unknown>, command: Command) =>
      run(command, async (application) => (await load()).planSearch(application, recipe, flagsOf(options))),
  )
  onSearch('start', 'search; Ctrl-C pauses with a checkpoint')
    .option('--name <text>', 'what to call it')
    .option('--night <from-to>', 'work by these hours only, e.g. 22:00-07:00')
    .action((recipe: string | undefined, options: Record<string, unknown>, command: Command) =>
      run(command, async (application) => (await load()).startSearch(application, recipe, flagsOf(options))),
    )
  addCommand(studies, 'list', 'all studies, the newest first').action((_options, command: Command) =>
    run(command, async (application) => (await load()).listSearches(application)),
  )
  const onOneStudy = (
    name: string,
    description: string,
    work: (application: Application, studyId: string, options: { trial?: number }) => Promise<void>,
  ): Command =>
    addCommand(studies, name, description)
      .argument('<study>')
      .action((study: string, options: { trial?: number }, command: Command) =>
        run(command, async (application) =>
          work(application, (await load()).findStudy(application, study), options),
        ),
      )
  onOneStudy('show', 'its trials, what mattered and what it found', async (application, studyId) =>
    (await load()).showSearch(application, studyId),
  )
  onOneStudy('resume', 'go on with one that was paused or left behind', async (application, studyId) =>
    (await load()).resumeSearch(application, studyId),
  )
  onOneStudy('pause', 'a trial at work saves a checkpoint first', async (application, studyId) =>
    (await load()).endSearch(application, studyId, 'pause'),
  )
  onOneStudy('stop', 'end it for good; what it found stays', async (application, studyId) =>
    (await load()).endSearch(application, studyId, 'stop'),
  )
  onOneStudy(
    'adopt',
    'make the settings of its best trial the plan of its project',
    async (application, studyId, { trial }) => (await load()).adoptSearch(application, studyId, trial),
  ).option('--trial <number>', 'another one of its table', whole)
}

function addProofCommands(program: Command, run: Run): void {
  addCommand(program, 'proof', 'base against tuned on the locked test set, with intervals')
    .argument('<run>')
    .action((runId: string, _options: unknown, command: Command) =>
      run(command, async (application) => {
        await (await import('./commands/proof.ts')).proveTunedRun(application, application.findRun(runId))
      }),
    )
  addCommand(program, 'predict', 'what the new last layer of a run says of a text')
    .argument('<run>')
    .argument('<text>')
    .action((runId: string, text: string, _options: unknown, command: Command) =>
      run(command, async (application) => {
        const { predictLabel } = await import('./commands/predict.ts')
        await predictLabel(application, application.findRun(runId), text)
      }),
    )
  addCommand(program, 'export', 'take what a run made away: its adapter, or a whole model')
    .argument('<run>')
    .addOption(
      new Option('--as <form>', 'form; left out, the most usual one of its method').choices([...exportForms]),
    )
    .action((runId: string, options: { as?: ExportForm }, command: Command) =>
      run(command, async (application) => {
        const { exportRun } = await import('./commands/export.ts')
        await exportRun(application, application.findRun(runId), options.as)
      }),
    )
}
