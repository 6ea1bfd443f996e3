// What other rooms may use of export.
export type { Exported } from './export-peft.ts'
export { exportRun } from './export-run.ts'
