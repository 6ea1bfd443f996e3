// What other rooms may use of export.
export type { Exported } from './export-peft.ts'
export { exportRunAsPeft } from './export-run.ts'
