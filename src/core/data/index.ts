// What other rooms may use of data. The locked test set is not here: core/proof takes it from test-set.ts by itself.
export { type CheckOptions, checkData } from './check-data.ts'
export type { Contradiction, DataReport, DataWarning, Lengths, WarningKind } from './data-report.ts'
export { datasetFolder, readLeftOut, readManifest, readSplit } from './dataset-folder.ts'
export { importDataset } from './import-dataset.ts'
