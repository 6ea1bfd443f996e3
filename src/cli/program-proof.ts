// Commands for what a run made: the proof, single answers, files to take away.
import { type Command, Option } from 'commander'
import { type ExportForm, exportForms } from '#shared/export-forms.ts'
import { addCommand, type Run } from './program-command.ts'

export function addProofCommands(program: Command, run: Run): void {
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
