// export RUN --as peft
import { type Exported, exportRunAsPeft } from '#core/export/index.ts'
import { unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { type Application, appVersion } from '../application.ts'

export async function exportRun(application: Application, runId: string): Promise<Exported> {
  const { library, output } = application
  const writer = application.writer()
  const ports = { library, writer, reader: application.reader(), appVersion }
  const exported = unwrap(await exportRunAsPeft(runId, ports))
  output.line(`Exported for Hugging Face PEFT, read back and checked: ${exported.folder}`)
  if (exported.wasRenamed)
    output.line('The name was taken, so the folder got a number; nothing was overwritten.')
  for (const file of exported.files)
    output.line(`  ${file.name}  ${formatBytes(file.sizeBytes)}  SHA-256 ${file.sha256}`)
  output.result(exported)
  return exported
}
