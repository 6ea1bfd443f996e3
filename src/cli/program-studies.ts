// Commands for searches for better settings.
import type { Command } from 'commander'
import type { Application } from './application.ts'
import { addCommand, addReadingCommand, collect, type Run, whole } from './program-command.ts'
import type { StudyFlags } from './study-flags.ts'

export function addStudyCommands(program: Command, run: Run): void {
  const studies = program.command('studies').description('searches for better settings (studies)')
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
        'a range: path=low..high, path=low..high:log (by factors) or path=one,another; once for each',
        collect,
        [],
      )
      .option('--sampler <kind>', 'tpe, random, quasi-random or grid')
      .option('--seed <number>', 'the same seed gives the same search')
      .option(
        '--confirm <number>',
        'with how many seeds plan and winner are compared at the end; 0: not at all',
      )
      .option('--night <from-to>', 'work by these hours only, e.g. 22:00-07:00')
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
    .action((recipe: string | undefined, options: Record<string, unknown>, command: Command) =>
      run(command, async (application) => (await load()).startSearch(application, recipe, flagsOf(options))),
    )
  addReadingCommand(studies, 'list', 'all searches, the newest first').action((_options, command: Command) =>
    run(command, async (application) => (await load()).listSearches(application)),
  )
  const onOneStudy = (
    name: string,
    description: string,
    work: (application: Application, studyId: string, options: { trial?: number }) => Promise<void>,
    add = addCommand,
  ): Command =>
    add(studies, name, description)
      .argument('<search>')
      .action((study: string, options: { trial?: number }, command: Command) =>
        run(command, async (application) =>
          work(application, (await load()).findStudy(application, study), options),
        ),
      )
  onOneStudy(
    'show',
    'its trials, what mattered and what it found',
    async (application, studyId) => (await load()).showSearch(application, studyId),
    addReadingCommand,
  )
  onOneStudy(
    'resume',
    'go on with one that was paused, failed or left behind',
    async (application, studyId) => (await load()).resumeSearch(application, studyId),
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
