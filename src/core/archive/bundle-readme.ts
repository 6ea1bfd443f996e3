// What somebody reads who opens a run bundle with a zip program.
import { escapeMarkdown } from '../export/escape-markdown.ts'
import type { BundleManifest } from './bundle-manifest.ts'

export function bundleReadme({ runs, withRows, appVersion }: Omit<BundleManifest, 'files'>): string {
  const rows = withRows
    ? 'Rows of the data sets are in it, the locked test rows among them, and the answers to them.'
    : 'Rows of the data sets are not in it, nor answers to them: only their fingerprints. A run can be read, and be run again where the same data set is. Names of labels are in it.'
  return `# Runs of Tunewright

Made by Tunewright ${appVersion}. Open it there: Experiments, "Bring in", or \`tunewright journal import FILE\`. A run can be repeated where the model that it began from is in the library: the same by its hash.

${rows} A trained version has learned from its rows and may say parts of them.

| run | model that it began from | trained version | rows |
| --- | --- | --- | --- |
${runs
  .map(
    ({ name, model, hasTunedVersion, datasets }) =>
      `| ${escapeMarkdown(name)} | ${escapeMarkdown(model.name)}, SHA-256 \`${model.weightsSha256}\` | ${hasTunedVersion ? 'here' : 'not here'} | ${
        datasets.every(({ hasRows }) => hasRows) ? 'here' : 'not here'
      } |`,
  )
  .join('\n')}

| file | what it is |
| --- | --- |
| \`manifest.json\` | every file here with its size and SHA-256 |
| \`journal.db\` | a journal with these runs only; any SQLite program opens it (try \`SELECT * FROM v_runs\`) |
| \`readable/RUN/run.json\` | recipe, device, versions, verdict |
| \`readable/RUN/metrics.jsonl\`, \`answers.jsonl\` | the curve; the answers to the locked test rows |
| \`library/datasets\`, \`library/runs\` | data sets, and what the runs trained |
`
}
