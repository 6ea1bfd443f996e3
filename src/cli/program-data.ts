// Commands for examples and texts: looking at a table before training, and vectors for its texts.
import { type Command, Option } from 'commander'
import type { Setting } from '#core/training/recipe-file.ts'
import { poolings } from '#shared/embedding-protocol.ts'
import { scenarioIds } from '#shared/recipe.ts'
import type { EmbedOptions } from './commands/embed.ts'
import { addCommand, collect, type Run, whole } from './program-command.ts'

export function addDataCommands(program: Command, run: Run): void {
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

export function addEmbedCommand(program: Command, run: Run): void {
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
