// What a model does with a text, for a person who looks at it: by its kind, and whether it was made for conversations.
import type { ModelConfig } from '#engine/index.ts'
import type { ModelWay } from '#shared/contract/index.ts'
import type { ModelManifest } from './manifest.ts'

export function modelWay(
  { hasChatTemplate }: Pick<ModelManifest, 'hasChatTemplate'>,
  { kind }: Pick<ModelConfig, 'kind'>,
): ModelWay {
  if (kind === 'sequence-to-sequence') return 'rewrites'
  if (kind === 'encoder') return 'reads'
  return hasChatTemplate ? 'talks' : 'goes-on'
}
