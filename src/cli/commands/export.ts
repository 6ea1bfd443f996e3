// export RUN --as peft|model|gguf-f16|gguf-q8

import { type Exported, exportRun as exportRunFiles } from '#core/export/index.ts'
import { type ExportForm, exportFormsOf } from '#shared/export-forms.ts'
import { unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { type Application, appVersion } from '../application.ts'

const formWords: Readonly<Record<ExportForm, string>> = {
  peft: 'for Hugging Face PEFT',
  model: 'as a Hugging Face model folder',
  'gguf-f16': 'as GGUF F16',
  'gguf-q8': 'as GGUF Q8_0',
}

/** Without a form the run's most usual one. */
export async function exportRun(
  application: Application,
  runId: string,
  wanted?: ExportForm,
): Promise<Exported> {
  const { library, output } = application
  const writer = application.writer()
  const reader = application.reader()
  const ports = { library, writer, reader, appVersion }
  const form = wanted ?? exportFormsOf(unwrap(reader.getRun(runId)).recipe.method)[0] ?? 'model'
  const exported = unwrap(await exportRunFiles(runId, form, ports))
  output.line(`Exported ${formWords[form]}, read back and checked: ${exported.folder}`)
  if (exported.wasRenamed)
    output.line('The name was taken, so the folder got a number; nothing was overwritten.')
  for (const file of exported.files)
    output.line(`  ${file.name}  ${formatBytes(file.sizeBytes)}  SHA-256 ${file.sha256}`)
  output.result(exported)
  return exported
}
