// Commands for what is brought: models, and the engines that compute with them.
import { Argument, type Command } from 'commander'
import { type EngineId, engineIds } from '#shared/devices.ts'
import { addCommand, collect, type Run } from './program-command.ts'

export function addModelCommands(program: Command, run: Run): void {
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

export function addEngineCommands(program: Command, run: Run): void {
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
