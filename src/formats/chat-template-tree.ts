// The syntax tree of a chat template: walking it, and what its positions mean for the work limit. Knows the library's
// node types; runs nothing.

/** A syntax node of the library; its own declarations do not resolve under Node's module rules. */
export interface TemplateNode {
  readonly type: string
  readonly [key: string]: unknown
}
/** Positions in the syntax tree that decide how a value there is counted. */
export interface TemplatePositions {
  /** The value is only looked up or tested here, never turned into text. */
  readonly quiet: ReadonlySet<TemplateNode>
  /** The value is looped over here. */
  readonly looped: ReadonlySet<TemplateNode>
  /** The value is called here. */
  readonly called: ReadonlySet<TemplateNode>
}

const quietFilters = new Set(
  'length first last list reverse selectattr rejectattr map sort unique items keys values dictsort default trim safe'.split(
    ' ',
  ),
)

const isNode = (value: unknown): value is TemplateNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'

const nodes = (value: unknown): TemplateNode[] => (Array.isArray(value) ? value.filter(isNode) : [])

/** Name of a filter, with or without arguments. */
export const filterName = (filter: unknown): string => {
  if (!isNode(filter)) return ''
  const name = filter.type === 'CallExpression' ? filter.callee : filter
  return isNode(name) && typeof name.value === 'string' ? name.value : ''
}

/** Every node below `root`, parents first. */
function* walkTemplate(root: TemplateNode): Generator<TemplateNode> {
  const stack: unknown[] = [root]
  while (stack.length > 0) {
    const item = stack.pop()
    if (Array.isArray(item)) for (const child of item) stack.push(child)
    else if (item instanceof Map) for (const pair of item) stack.push(...pair)
    else if (isNode(item)) {
      yield item
      for (const child of Object.values(item)) if (typeof child === 'object') stack.push(child)
    }
  }
}

export function findPositions(program: TemplateNode): TemplatePositions {
  const quiet = new Set<TemplateNode>()
  const looped = new Set<TemplateNode>()
  const called = new Set<TemplateNode>()
  const mark = (set: Set<TemplateNode>, ...values: unknown[]): void => {
    for (const value of values) if (isNode(value)) set.add(value)
  }
  for (const node of walkTemplate(program)) {
    switch (node.type) {
      case 'MemberExpression':
        mark(quiet, node.object, node.property)
        break
      case 'For': {
        const source = node.iterable
        mark(looped, isNode(source) && source.type === 'SelectExpression' ? source.lhs : source)
        break
      }
      case 'Set':
        mark(quiet, node.value)
        break
      case 'If':
      case 'Ternary':
      case 'SelectExpression':
        mark(quiet, node.test, node.condition, node.trueExpr, node.falseExpr, node.lhs)
        break
      case 'TestExpression':
        mark(quiet, node.operand)
        break
      case 'UnaryExpression':
        mark(quiet, node.argument)
        break
      case 'BinaryExpression':
        if (['and', 'or'].includes((node.operator as { value?: string }).value ?? ''))
          mark(quiet, node.left, node.right)
        break
      case 'ArrayLiteral':
      case 'TupleLiteral':
        mark(quiet, ...nodes(node.value))
        break
      case 'FilterExpression':
        if (quietFilters.has(filterName(node.filter))) mark(quiet, node.operand)
        break
      case 'CallExpression':
        mark(called, node.callee)
        mark(quiet, ...nodes(node.args))
        break
      case 'CallStatement':
        // A call block runs its call itself, outside `evaluate`: there the checked operations may not be called.
        if (isNode(node.call) && isNode(node.call.callee)) called.delete(node.call.callee)
        break
    }
  }
  return { quiet, looped, called }
}

/** Name of a member: `x.name` and `x['name']`; a computed name may be any, so it counts as the checked one. */
export function propertyName(node: TemplateNode): string {
  const property = node.property as TemplateNode
  if (node.computed !== true) return String(property.value)
  if (property.type === 'StringLiteral') return String(property.value)
  return property.type === 'IntegerLiteral' || property.type === 'SliceExpression' ? '' : 'replace'
}
