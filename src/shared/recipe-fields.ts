// The recipe's fields as data, read off its schema: type, range, default, choices. Forms are made from this, so that a
// field is written once. Knows no words and judges no value.
import { z } from 'zod'
import { recipeDraft } from './recipe.ts'

export type SettingValue = z.output<ReturnType<typeof z.json>>

export interface RecipeField {
  /** Keys from the recipe's top, with dots: "method.rank". */
  readonly path: string
  /** `choices` is a list out of a set; `other` cannot be set in a form field. */
  readonly kind: 'whole' | 'number' | 'switch' | 'choice' | 'choices' | 'text' | 'other'
  readonly choices: readonly string[]
  /** null is a value of its own: no limit, or decided by the program. */
  readonly isNullable: boolean
  readonly minimum: number | null
  readonly maximum: number | null
  /** The minimum itself is not allowed. */
  readonly isAboveMinimum: boolean
  readonly default: SettingValue
}

/** The part of a JSON Schema that recipes use. */
interface Node {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Node[]
  readonly items?: Node
  readonly properties?: Readonly<Record<string, Node>>
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly default?: SettingValue
}

/** Every leaf of a schema, in its order. */
export function readFields(schema: z.ZodType): RecipeField[] {
  const root = z.toJSONSchema(schema, { io: 'input' }) as unknown as Node
  return leaves(root, '')
}

/** Settings that may be left out together (`before`) are read as if they were there. */
function leaves(node: Node, path: string): RecipeField[] {
  const { properties } = node.anyOf?.find((option) => option.properties !== undefined) ?? node
  if (properties === undefined) return [readLeaf(node, path)]
  return Object.entries(properties).flatMap(([key, child]) =>
    leaves(child, path === '' ? key : `${path}.${key}`),
  )
}

function readLeaf(node: Node, path: string): RecipeField {
  const options = node.anyOf ?? [node]
  const value = options.find(({ type }) => type !== 'null') ?? node
  const minimum = value.exclusiveMinimum ?? value.minimum ?? null
  return {
    path,
    kind: kindOf(value),
    choices: value.enum ?? value.items?.enum ?? [],
    isNullable: options.some(({ type }) => type === 'null'),
    minimum: minimum === Number.MIN_SAFE_INTEGER ? null : minimum,
    maximum: value.maximum === undefined || value.maximum === Number.MAX_SAFE_INTEGER ? null : value.maximum,
    isAboveMinimum: value.exclusiveMinimum !== undefined,
    default: node.default ?? null,
  }
}

function kindOf(node: Node): RecipeField['kind'] {
  if (node.enum !== undefined) return 'choice'
  if (node.items?.enum !== undefined) return 'choices'
  const kinds: Readonly<Record<string, RecipeField['kind']>> = {
    integer: 'whole',
    number: 'number',
    boolean: 'switch',
    string: 'text',
  }
  return kinds[node.type ?? ''] ?? 'other'
}

/** The recipe that a person writes, field by field. */
export const recipeFields: readonly RecipeField[] = readFields(recipeDraft)
