// Training methods that engine tests share: small adapters on every linear, and the whole model.
import type { LoraMethod, MethodSpec } from '../../../src/engine/index.ts'
import { linearNames } from '../../../src/shared/recipe.ts'

export const tinyLora: LoraMethod = {
  kind: 'lora',
  rank: 2,
  alpha: 3,
  targets: linearNames,
  topLayers: null,
  scaling: 'standard',
  decomposed: false,
}

export const wholeModel: MethodSpec = { kind: 'full', topLayers: null }
