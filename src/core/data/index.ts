// What other rooms may use of data. The locked test set is not here: core/proof takes it from test-set.ts by itself.
export { type CheckOptions, checkData } from './check-data.ts'
export type { DataReport, Lengths } from './data-report.ts'
export type { DataWarning, WarningKind } from './data-warnings.ts'
export { datasetFolder, readLeftOut, readManifest, readSplit } from './dataset-folder.ts'
export { importDataset } from './import-dataset.ts'
export { readTexts } from './read-texts.ts'
export type { Contradiction } from './repeats.ts'
