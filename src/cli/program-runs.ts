// Commands for runs: to train, to look at what was trained, and what a person says of it.
import { type Command, InvalidArgumentError } from 'commander'
import type { Application } from './application.ts'
import type { ListOptions } from './commands/runs.ts'
import { addCommand, addReadingCommand, collect, type Run, whole } from './program-command.ts'
import { settingFlags, settingOf, trainOptionsOf } from './setting-flags.ts'

export function addRunCommands(program: Command, run: Run): void {
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
  addReadingCommand(runs, 'list', 'the newest runs')
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
    add = addCommand,
  ) =>
    add(runs, name, description)
      .argument('<run>')
      .action((runId: string, _options: unknown, command: Command) =>
        run(command, (application) => work(application, application.findRun(runId))),
      )
  onOneRun(
    'show',
    'settings, curves, proof and files of a run',
    async (application, runId) => (await load()).showRun(application, runId),
    addReadingCommand,
  )
  addReadingCommand(runs, 'compare', 'two runs or more beside each other: figures and settings that differ')
    .argument('<run...>')
    .option('--answers [number]', 'and so many rows on which their answers differ (20; as JSON all)', whole)
    .action((given: string[], { answers }: { answers?: number | true }, command: Command) =>
      run(command, async (application) => {
        const { compareGivenRuns } = await import('./commands/compare-runs.ts')
        await compareGivenRuns(application, given, answers)
      }),
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

const starCount = (text: string): number => {
  if (!/^[0-5]$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 0 to 5.')
  return Number(text)
}
