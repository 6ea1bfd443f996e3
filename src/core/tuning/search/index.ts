// How a study chooses its next trial and what its trials say. Pure: no files, no clock, the same question has the same
// answer.
export { rungsFor } from './asha.ts'
export { countPoints, onlyPoint } from './count-points.ts'
export { frontOf } from './front.ts'
export { type ImportanceRequest, importanceOf, importanceSteps } from './importance.ts'
export type { Observation } from './observation.ts'
export { proposeSpace } from './propose-space.ts'
export { compareSeeds, seedNoiseOf } from './seeds.ts'
export { suggest } from './suggest.ts'
