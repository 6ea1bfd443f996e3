// Commands that do many things at once: the workstation, any single call of it, the demo.
import type { Command } from 'commander'
import { addCommand, commonOptionsOf, type Run } from './program-command.ts'

/** Here --json names a file: the demo prints its report, and wrong use of it, for people either way. */
export function addDemoCommand(program: Command, run: Run): void {
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

export function addWorkstationCommands(program: Command, run: Run): void {
  addCommand(program, 'web', 'the workstation in a browser on this computer')
    .option('--open', 'open the address in the browser')
    // It opens the library itself, so it begins without an application.
    .action(async (options: { open?: boolean }, command: Command) => {
      const { home } = commonOptionsOf(program, command)
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
