// Values that are sums and stay unmade until somebody reads them: one pass then adds all terms and writes float32, bfloat16
// or both. What reads a sum as terms takes them, and the value never exists by itself.
import type { Value } from '#engine/ir/types.ts'
import type { UnmadeValues } from '../emitted-values.ts'
import type { Emitter } from '../emitter.ts'
import { float } from '../graph-def.ts'
import type { Needs } from './needs.ts'
import { countOf, inputsOf, type NormTerm, type Terms, termOf, type UnmadeSum } from './terms.ts'
import { declare, wantedOf } from './wanted.ts'

/** An operator reads 16 terms of each kind at most: two sums of so many, and one more, have room. */
const mostTerms = 7

export class UnmadeSums implements UnmadeValues {
  readonly #emit: Emitter
  readonly #needs: Needs
  /** By the value's id. */
  readonly #sums = new Map<number, UnmadeSum>()

  constructor(emit: Emitter, needs: Needs) {
    this.#emit = emit
    this.#needs = needs
  }

  has(value: Value): boolean {
    return this.#sums.has(value.id)
  }

  set(value: Value, terms: Terms, norm: NormTerm | null = null): void {
    this.#sums.set(value.id, { terms, norm })
  }

  /** The sum itself, where nobody else reads it; otherwise the value as its one term. */
  take(value: Value): UnmadeSum {
    const sum = this.#sums.get(value.id)
    if (sum && this.#needs.isReadOnce(value) && countOf(sum.terms) <= mostTerms) {
      this.#sums.delete(value.id)
      return sum
    }
    return { terms: termOf(this.#emit.rows(value)), norm: null }
  }

  /** The same for sums that hold no norm's derivative: a value with one is made. */
  takeTerms(value: Value): Terms {
    if (this.#sums.get(value.id)?.norm) return termOf(this.#emit.rows(value))
    return this.take(value).terms
  }

  /** Whether the value is nothing but terms: see `takeShared`. */
  isTerms(value: Value): boolean {
    return this.#sums.get(value.id)?.norm === null
  }

  /** The terms, whoever else reads the value: for a rule that adds them up and declares it for the others. */
  takeShared(value: Value): Terms {
    const { terms } = this.#sums.get(value.id)!
    this.#sums.delete(value.id)
    return terms
  }

  make(value: Value): void {
    const { terms, norm } = this.#sums.get(value.id)!
    this.#sums.delete(value.id)
    const need = this.#needs.of(value)
    const [only] = terms.fulls
    if (!norm && only && countOf(terms) === 1 && need.half === 0) this.#emit.setRows(value, only)
    else {
      const [full, half] = norm ? this.#normed(value, norm, terms) : this.#summed(value, terms)
      declare(this.#emit, value, need, { full: full!, half: half! })
    }
  }

  #summed(value: Value, terms: Terms) {
    const { inputs, attributes } = inputsOf(terms)
    const wanted = wantedOf(this.#needs.of(value))
    return this.#emit.node('TunewrightSum', inputs, { ...attributes, ...wanted }, ['float32', 'bfloat16'])
  }

  #normed(value: Value, { dy, x, weight, inverse, offset }: NormTerm, after: Terms) {
    const { inputs, attributes } = inputsOf(dy, after)
    const wanted = wantedOf(this.#needs.of(value))
    return this.#emit.node(
      'TunewrightSumNormBackward',
      [...inputs, x, weight, inverse],
      { ...attributes, ...wanted, offset: float(offset) },
      ['float32', 'bfloat16'],
    )
  }
}
