// The schema's whole history, in order. A new step is added at the end; none is ever edited or taken out.
import { library } from './0001-library.ts'
import { runs } from './0002-runs.ts'
import { proof } from './0003-proof.ts'
import { artifacts } from './0004-artifacts.ts'
import { views } from './0005-views.ts'
import { removals } from './0006-removals.ts'
import { studies } from './0007-studies.ts'
import { search } from './0008-search.ts'
import type { Migration } from './migration.ts'

export const migrations: readonly Migration[] = [
  library,
  runs,
  proof,
  artifacts,
  views,
  removals,
  studies,
  search,
]
