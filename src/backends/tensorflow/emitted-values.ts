// The values of one lowering as they were made: in their own shape, as rows, as rows in bfloat16; one form is made of
// another where somebody asks for it. What is made late (fused/unmade-sums.ts) is made here when it is first read.
import type { Dim, Value } from '#engine/ir/types.ts'
import { cast, reshape } from './operators.ts'
import type { NodeMaker, Tensor } from './tensor.ts'

/** Values that are known but not made yet. */
export interface UnmadeValues {
  has(value: Value): boolean
  /** Declares the value, in every form that is read; it is no longer unmade then. */
  make(value: Value): void
}

interface Maker extends NodeMaker {
  share(key: string, make: () => Tensor): Tensor
  outsideLoops<T>(make: () => T): T
  shapeOf(shape: readonly Dim[]): Tensor
}

export class EmittedValues {
  readonly #maker: Maker
  /** By the value's id. */
  readonly #wholes = new Map<number, Tensor>()
  readonly #rows = new Map<number, Tensor>()
  readonly #halfRows = new Map<number, Tensor>()
  #unmade: UnmadeValues | null = null

  constructor(maker: Maker) {
    this.#maker = maker
  }

  makeLate(unmade: UnmadeValues): void {
    this.#unmade = unmade
  }

  setWhole(value: Value, tensor: Tensor): void {
    this.#wholes.set(value.id, tensor)
  }

  setRows(value: Value, tensor: Tensor): void {
    this.#rows.set(value.id, tensor)
  }

  setHalfRows(value: Value, tensor: Tensor): void {
    this.#halfRows.set(value.id, tensor)
  }

  has(value: Value): boolean {
    return this.#isThere(value) || this.#halfRows.has(value.id) || (this.#unmade?.has(value) ?? false)
  }

  #isThere({ id }: Value): boolean {
    return this.#wholes.has(id) || this.#rows.has(id)
  }

  #settle(value: Value): void {
    const unmade = this.#unmade
    if (unmade?.has(value)) this.#maker.outsideLoops(() => unmade.make(value))
  }

  whole(value: Value): Tensor {
    this.#settle(value)
    const known = this.#wholes.get(value.id)
    if (known) return known
    const rows = this.#rows.get(value.id)
    if (!rows) throw this.#missing(value)
    const made =
      value.shape.length < 3
        ? rows
        : this.#maker.share(`whole ${value.id}`, () =>
            reshape(this.#maker, rows, this.#maker.shapeOf(value.shape)),
          )
    this.#wholes.set(value.id, made)
    return made
  }

  rows(value: Value): Tensor {
    this.#settle(value)
    const known = this.#rows.get(value.id)
    if (known) return known
    const whole = this.whole(value)
    if (value.shape.length < 3) return whole
    const made = this.#maker.share(`rows ${value.id}`, () =>
      reshape(this.#maker, whole, this.#maker.shapeOf([-1, value.shape.at(-1)!])),
    )
    this.#rows.set(value.id, made)
    return made
  }

  halfRows(value: Value): Tensor {
    this.#settle(value)
    const known = this.#halfRows.get(value.id)
    if (known) return known
    const made = this.#maker.outsideLoops(() => cast(this.#maker, this.rows(value), 'bfloat16'))
    this.#halfRows.set(value.id, made)
    return made
  }

  /** Rounded numbers are never widened again: who asked for them alone said that nobody reads the others. */
  #missing({ name, id }: Value): Error {
    return new Error(`${name} was ${this.#halfRows.has(id) ? 'rounded to bfloat16' : 'not emitted'}.`)
  }
}
