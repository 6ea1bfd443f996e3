// A Jinja interpreter with a work limit. The library has none: 76 bytes of template can keep it busy for minutes.
// Every evaluation passes `evaluate`, so steps, text and expanded containers are counted there; the few operations that
// can make much of little (replace, join, indent, tojson) are checked before they run.
import { Environment, Interpreter } from '@huggingface/jinja'
import { ProblemError } from '#shared/result.ts'
import { filterName, propertyName, type TemplateNode, type TemplatePositions } from './chat-template-tree.ts'

export const templateLimits = {
  sourceBytes: 256 * 1024,
  /** Longest text that any expression may have, the rendering included. */
  outputChars: 1 << 20,
  steps: 200_000,
  depth: 1_500,
  /** Sum of the lengths of all texts that expressions had. */
  chars: 32 << 20,
  /** Items of lists and mappings that were looked at or copied. */
  items: 2 << 20,
  /** Longest list that range() gives. */
  rangeItems: 10_000,
} as const

interface TemplateValue {
  readonly type: string
  readonly value: unknown
}
interface Scope {
  set(name: string, value: unknown): unknown
}
interface InterpreterApi {
  evaluate(node: TemplateNode | undefined, scope: Scope): TemplateValue
  run(program: TemplateNode): TemplateValue
}
const BaseInterpreter = Interpreter as unknown as new (scope: Scope) => InterpreterApi
const newScope = (): Scope => new (Environment as unknown as new () => Scope)()

/** Filters whose result can be far longer than what they are given. */
const amplifiers = new Set(['replace', 'join', 'indent', 'tojson'])

const tooSlow = (what: string): ProblemError =>
  new ProblemError({
    code: 'template.too-slow',
    message: `The model's chat template does too much work: ${what}.`,
    where: 'chat template',
    remedy: "Use the publisher's own chat template for this model, or a model from a publisher you trust.",
  })

const notAllowed = (what: string): ProblemError =>
  new ProblemError({
    code: 'template.invalid',
    message: `The model's chat template uses something that Tunewright does not run: ${what}.`,
    where: 'chat template',
    remedy: "Use the publisher's own chat template for this model.",
  })

/** The arguments of range() in Jinja: stop, or start and stop, or all three. */
function boundedRange(first: unknown, second?: unknown, third: unknown = 1): number[] {
  const [start, stop, step] = second === undefined ? [0, first, third] : [first, second, third]
  if (![start, stop, step].every(Number.isSafeInteger) || step === 0)
    throw notAllowed('range() with something that is not a whole number')
  const count = Math.ceil(((stop as number) - (start as number)) / (step as number))
  if (count > templateLimits.rangeItems) throw tooSlow(`range() over ${count} numbers`)
  return Array.from({ length: Math.max(0, count) }, (_, at) => (start as number) + at * (step as number))
}

/** What the template itself says when it refuses a conversation, e.g. that roles must alternate. */
function raiseException(message: unknown): never {
  const words = typeof message === 'string' ? message.slice(0, 300) : 'it gives no reason'
  throw new ProblemError({
    code: 'template.invalid',
    message: `The model's chat template refuses this conversation: ${words}`,
    where: 'chat template',
    remedy: 'Change the roles or their order to what this model was made for.',
  })
}

// Templates that print the date get one that never changes: the same recipe must give the same text on every day.
// It is the date that Llama 3.2's template itself falls back to.
const fixedDate: Record<string, string> = {
  Y: '2024',
  m: '07',
  d: '26',
  b: 'Jul',
  B: 'July',
  H: '00',
  M: '00',
  S: '00',
  '%': '%',
}
function strftimeNow(format: unknown): string {
  if (typeof format !== 'string') throw notAllowed('a date without a format')
  return format.replace(/%([YmdbBHMS%])/g, (_, letter: string) => fixedDate[letter] ?? '')
}

const containerTypes = new Set([
  'ArrayValue',
  'TupleValue',
  'ObjectValue',
  'KeywordArgumentsValue',
  'NamespaceValue',
])

class BudgetInterpreter extends BaseInterpreter {
  private readonly positions: TemplatePositions
  private steps = 0
  private depth = 0
  private chars = 0
  private items = 0

  constructor(scope: Scope, positions: TemplatePositions) {
    super(scope)
    this.positions = positions
  }

  override evaluate(node: TemplateNode | undefined, scope: Scope): TemplateValue {
    if (!node) return super.evaluate(node, scope)
    if (node.type === 'Resolved') return node.value as TemplateValue
    this.steps += 1
    if (this.steps > templateLimits.steps) throw tooSlow(`more than ${templateLimits.steps} steps`)
    if (this.depth > templateLimits.depth) throw tooSlow('it calls itself too deeply')
    this.depth += 1
    try {
      const result = super.evaluate(this.guarded(node, scope), scope)
      this.count(node, result)
      return result
    } finally {
      // The library leaves a loop's body by throwing at `continue` and `break`.
      this.depth -= 1
    }
  }

  private count(node: TemplateNode, result: TemplateValue | undefined): void {
    if (result === undefined) return
    // The library looks up an unknown name by throwing, which takes as long as ten other steps.
    if (result.type === 'UndefinedValue') this.steps += 9
    if (result.type === 'StringValue') this.countChars((result.value as string).length)
    else if (containerTypes.has(result.type)) {
      const size = sizeOf(result)
      this.countItems(size)
      if (this.positions.looped.has(node)) this.steps += size
      else if (!this.positions.quiet.has(node)) this.expand(result)
    } else if (result.type === 'FunctionValue' && node.type === 'MemberExpression') {
      if (!this.positions.called.has(node) && propertyName(node) === 'replace')
        throw notAllowed('replace as a value')
    }
  }

  private countChars(length: number): void {
    this.chars += length
    if (length > templateLimits.outputChars || this.chars > templateLimits.chars)
      throw tooSlow('it makes too much text')
  }

  private countItems(count: number): void {
    this.items += count
    if (this.items > templateLimits.items) throw tooSlow('it builds lists that are too large')
  }

  /** Counts a value as if it were written out in full; returns its length in characters. Lists may share parts. */
  private expand(value: TemplateValue): number {
    let chars = 0
    const stack: TemplateValue[] = [value]
    while (stack.length > 0) {
      const item = stack.pop() as TemplateValue
      if (item.type === 'StringValue') chars += (item.value as string).length
      else if (item.type === 'FloatValue' || item.type === 'IntegerValue') chars += 24
      else if (containerTypes.has(item.type)) {
        this.countItems(1 + sizeOf(item))
        if (Array.isArray(item.value)) for (const child of item.value) stack.push(child as TemplateValue)
        else
          for (const [key, child] of item.value as Map<string, TemplateValue>) {
            chars += key.length
            stack.push(child)
          }
        chars += 4 * sizeOf(item)
      }
      if (chars > templateLimits.outputChars) throw tooSlow('it makes too much text')
    }
    return chars
  }

  /**
   * For an operation whose result can be far longer than its operands: the operands are evaluated first and their
   * product is checked; then the same node is returned with the operands replaced by their values.
   */
  private guarded(node: TemplateNode, scope: Scope): TemplateNode {
    // A filter block is a filter on what its body renders.
    if (node.type === 'FilterStatement') {
      const operand = { type: 'Program', body: node.body }
      return this.guarded({ type: 'FilterExpression', operand, filter: node.filter }, scope)
    }
    if (node.type === 'FilterExpression') {
      const filter = node.filter as TemplateNode
      if (filter.type !== 'CallExpression' || !amplifiers.has(filterName(filter))) return node
      const operand = this.resolve(node.operand as TemplateNode, scope)
      const args = this.resolveArguments(filter.args as TemplateNode[], scope)
      this.checkProduct(operand, args)
      return { ...node, operand, filter: { ...filter, args } }
    }
    if (node.type === 'CallExpression') {
      const callee = node.callee as TemplateNode
      if (callee.type !== 'MemberExpression' || propertyName(callee) !== 'replace') return node
      const object = this.resolve(callee.object as TemplateNode, scope)
      const args = this.resolveArguments(node.args as TemplateNode[], scope)
      this.checkProduct(object, args)
      const bound = { ...callee, object }
      return { ...node, callee: this.resolveCallee(bound, scope), args }
    }
    return node
  }

  private resolve(node: TemplateNode, scope: Scope): TemplateNode {
    return { type: 'Resolved', value: this.evaluate(node, scope) }
  }

  private resolveCallee(callee: TemplateNode, scope: Scope): TemplateNode {
    return { type: 'Resolved', value: super.evaluate(callee, scope) }
  }

  private resolveArguments(args: readonly TemplateNode[], scope: Scope): TemplateNode[] {
    return args.map((argument) => {
      if (argument.type === 'SpreadExpression' || argument.type === 'KeywordSpreadExpression')
        throw notAllowed('arguments unpacked from a list')
      if (argument.type === 'KeywordArgumentExpression')
        return { ...argument, value: this.resolve(argument.value as TemplateNode, scope) }
      return this.resolve(argument, scope)
    })
  }

  private checkProduct(operand: TemplateNode, args: readonly TemplateNode[]): void {
    // A resolved node holds its value; a keyword argument holds a resolved node.
    const lengthOf = (node: TemplateNode): number =>
      node.type === 'KeywordArgumentExpression'
        ? lengthOf(node.value as TemplateNode)
        : this.lengthIfWritten(node.value as TemplateValue | undefined)
    let longest = 1
    for (const argument of args) longest = Math.max(longest, lengthOf(argument))
    const parts = 1 + lengthOf(operand)
    if (parts * longest > templateLimits.chars) throw tooSlow('it makes too much text')
  }

  private lengthIfWritten(value: TemplateValue | undefined): number {
    if (!value) return 0
    if (value.type === 'IntegerValue') return Math.abs(value.value as number)
    if (value.type === 'StringValue') return (value.value as string).length
    return containerTypes.has(value.type) ? this.expand(value) : 0
  }
}

const sizeOf = (value: TemplateValue): number =>
  Array.isArray(value.value) ? value.value.length : (value.value as Map<string, unknown>).size

/** Renders a parsed template with `variables`. Throws a ProblemError, or whatever the library throws. */
export function renderWithinBudget(
  program: TemplateNode,
  positions: TemplatePositions,
  variables: Readonly<Record<string, unknown>>,
): string {
  const scope = newScope()
  const globals: Record<string, unknown> = {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: boundedRange,
    raise_exception: raiseException,
    strftime_now: strftimeNow,
  }
  for (const [name, value] of Object.entries(globals)) scope.set(name, value)
  for (const [name, value] of Object.entries(variables)) scope.set(name, value)
  return new BudgetInterpreter(scope, positions).run(program).value as string
}
