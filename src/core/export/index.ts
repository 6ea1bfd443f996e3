// What other rooms may use of export.
export { type BaseModelFacts, baseModelFacts } from './base-model.ts'
export { type Exported, type ExportedFile, exportPeft, type PeftExport } from './export-peft.ts'
export { type CardFacts, modelCard } from './model-card.ts'
