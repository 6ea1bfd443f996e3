// RMSNorm: one pass adds the terms of its input, normalises, and writes the sum too where others read it.
import { boolean, float } from '../graph-def.ts'
import { read } from '../weights.ts'
import { type FusedRule, hasWholeRows } from './rule.ts'
import { inputsOf, noTerms, termOf } from './terms.ts'
import { declare, wantedOf } from './wanted.ts'

export const rmsNorm: FusedRule<'rmsNorm'> = {
  takes: ({ inputs: [x] }) => hasWholeRows(x),

  lower(
    { inputs: [x, weight], outputs: [y, invStd], attributes: { epsilon, offset } },
    { emit, sums, needs },
  ) {
    const isTaken = sums.isTerms(x) && needs.of(x).half === 0
    const keeps = isTaken && !needs.isReadOnce(x)
    const need = needs.of(y)
    const { inputs, attributes } = inputsOf(isTaken ? sums.takeShared(x) : termOf(emit.rows(x)))
    const own = { keeps: boolean(keeps), epsilon: float(epsilon), offset: float(offset) }
    const [sum, full, half, inverse] = emit.node(
      'TunewrightSumNorm',
      [...inputs, read(emit, weight)],
      { ...attributes, ...wantedOf(need), ...own },
      ['float32', 'float32', 'bfloat16', 'float32'],
    )
    if (keeps) emit.setRows(x, sum!)
    declare(emit, y, need, { full: full!, half: half! })
    emit.setRows(invStd, inverse!)
  },
}

/** Stays a term: what is added to it is added in the same pass. */
export const rmsNormBackward: FusedRule<'rmsNormBackward'> = {
  takes: ({ inputs: [, x] }) => hasWholeRows(x),

  lower({ inputs: [dy, x, weight, invStd], outputs: [dx], attributes: { offset } }, { emit, sums }) {
    const terms = sums.takeTerms(dy)
    const [rows, inverse] = [emit.rows(x), emit.rows(invStd)]
    sums.set(dx, noTerms, { dy: terms, x: rows, weight: read(emit, weight), inverse, offset })
  },
}
