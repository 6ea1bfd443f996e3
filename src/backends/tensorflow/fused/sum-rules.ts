// Sums and ties. A tie of a value that is read in two precisions ties both.
import type { Reading } from './needs.ts'
import { type FusedRule, hasWholeRows } from './rule.ts'
import { joined } from './terms.ts'

export const add: FusedRule<'add'> = {
  takes: ({ outputs: [y] }) => hasWholeRows(y),

  lower({ inputs: [a, b], outputs: [y] }, { sums }) {
    const first = sums.take(a)
    const second = first.norm ? { terms: sums.takeTerms(b), norm: null } : sums.take(b)
    sums.set(y, joined(first.terms, second.terms), first.norm ?? second.norm)
  },
}

export const tie: FusedRule<'tie'> = {
  takes: (_, { wide }) => wide === 'half',

  /** As its result is read. */
  readings({ inputs: [, ...others], outputs: [y] }, _, ofResult): readonly Reading[] {
    const { full, half } = ofResult(y)
    const own = half === 0 ? 'full' : full === 0 ? 'half' : 'both'
    return [own, ...others.map((): Reading => 'full')]
  },

  lower({ inputs: [x, ...others], outputs: [y] }, { emit, needs }) {
    const { full, half } = needs.of(y)
    const waits = others.map((each) => emit.rows(each))
    if (full > 0) emit.setRows(y, emit.after(emit.rows(x), waits))
    if (half > 0) emit.setHalfRows(y, emit.after(emit.halfRows(x), waits))
  },
}
