// model.safetensors.index.json: which file of a sharded model holds which tensor. Refuses values that are not plain file
// names, so that no path can leave the folder; whether the files exist is for the caller to check.
import { attempt, type ProblemError, type Result } from '#shared/result.ts'
import { JsonFault, type JsonObject, type JsonValue, parseStrictJson } from './strict-json.ts'
import { weightLimits } from './weight-limits.ts'
import { beyondLimit, damaged, nameFault, quoteForeign } from './weight-problems.ts'

const file = 'index.json'
const bad = (where: string, message: string): ProblemError =>
  damaged('safetensors.invalid', file, where, message)

/** Tensor name to file name, in the order of the text. Problems: safetensors.invalid, limit.exceeded. */
export function parseShardIndex(text: string): Result<ReadonlyMap<string, string>> {
  return attempt(() => {
    if (text.length > weightLimits.shardIndexBytes)
      throw beyondLimit(file, 'character 0', 'Characters', text.length, weightLimits.shardIndexBytes)
    const index = parse(text)
    const weightMap = index instanceof Map ? (index as JsonObject).get('weight_map') : undefined
    if (!(weightMap instanceof Map)) throw bad('weight_map', 'There is no object of that name.')
    const shards = new Map<string, string>()
    for (const [tensor, shard] of weightMap as JsonObject) {
      const fault = nameFault(tensor)
      if (fault !== null) throw bad(`tensor ${quoteForeign(tensor)}`, fault)
      shards.set(tensor, requireFileName(tensor, shard))
    }
    if (shards.size === 0) throw bad('weight_map', 'It names no tensor.')
    if (shards.size > weightLimits.tensors)
      throw beyondLimit(file, 'weight_map', 'Number of tensors', shards.size, weightLimits.tensors)
    return shards
  })
}

function parse(text: string): JsonValue {
  try {
    return parseStrictJson(text, {
      maxDepth: weightLimits.jsonDepth,
      numbers: 'any',
      trailing: 'white space',
    })
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    throw bad(`character ${error.index}`, error.message)
  }
}

/** Names that Windows keeps for devices, whatever their ending. */
const deviceName = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/

function requireFileName(tensor: string, shard: JsonValue): string {
  const where = `tensor ${quoteForeign(tensor)}`
  if (typeof shard !== 'string') throw bad(where, 'Its file is not given as a text.')
  if (shard.length > 255 || !plainName.test(shard) || shard.includes('..') || deviceName.test(shard))
    throw bad(
      where,
      `Its file ${quoteForeign(shard)} is not a plain name that ends in .safetensors. Names may have letters, digits, dots, dashes and underscores.`,
    )
  return shard
}
