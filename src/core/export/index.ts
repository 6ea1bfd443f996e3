// What other rooms may use of export.
export type { Exported } from './export-folder.ts'
export { exportRun } from './export-run.ts'
