// Edit distance of two lists of words near the diagonal, with the alignment that tercom reads off it. Used by ter.ts only.

const beamWidth = 25
/** Greater than any distance; sums of it stay within 32 bits. */
const unreached = 1_000_000_000

const unknown = 0
const keep = 1
const substitute = 2
const remove = 3
const insert = 4

/**
 * Row i: distance between the first i words of the answer and the first j expected words, and the last edit on the way, for
 * j from `from` on; beyond both ends nothing was reached.
 */
interface Row {
  readonly from: number
  readonly costs: Int32Array
  readonly edits: Uint8Array
}

const costAt = ({ from, costs }: Row, j: number): number =>
  j < from || j >= from + costs.length ? unreached : costs[j - from]!

export interface Edits {
  readonly distance: number
  /** The word of the answer that each expected word is aligned with or follows; -1 before the first. */
  readonly alignment: readonly number[]
  readonly isWantedWrong: readonly boolean[]
  readonly isGivenWrong: readonly boolean[]
  readonly words: readonly string[]
  readonly rows: readonly Row[]
}

export function beamEdits(words: readonly string[], wanted: readonly string[]): Edits {
  const rows = [firstRow(wanted.length)]
  fillRows(rows, words, wanted)
  return { ...alignmentOf(rows, words.length, wanted.length), words, rows }
}

/** The distance alone, of the same words in another order: rows of the words that both begin with are taken over. */
export function editsOf(words: readonly string[], wanted: readonly string[], known: Edits): number {
  let same = 0
  while (same < words.length && words[same] === known.words[same]) same += 1
  const rows = known.rows.slice(0, same + 1)
  fillRows(rows, words, wanted)
  return costAt(rows[words.length]!, wanted.length)
}

const firstRow = (width: number): Row => ({
  from: 0,
  costs: Int32Array.from({ length: width + 1 }, (_, j) => j),
  edits: new Uint8Array(width + 1).fill(insert),
})

function fillRows(rows: Row[], words: readonly string[], wanted: readonly string[]): void {
  const ratio = words.length === 0 ? 1 : wanted.length / words.length
  const beam = beamWidth < ratio / 2 ? Math.ceil(ratio / 2 + beamWidth) : beamWidth
  for (let i = rows.length; i <= words.length; i += 1) {
    const diagonal = Math.floor(i * ratio)
    const from = Math.max(0, diagonal - beam)
    const to = i === words.length ? wanted.length + 1 : Math.min(wanted.length + 1, diagonal + beam)
    rows.push(nextRow(rows[i - 1]!, words[i - 1]!, wanted, from, to))
  }
}

/** On equal costs keeping or substituting is preferred, then removing, then inserting. */
function nextRow(above: Row, word: string, wanted: readonly string[], from: number, to: number): Row {
  const costs = new Int32Array(Math.max(0, to - from))
  const edits = new Uint8Array(costs.length)
  let left = unreached
  let diagonal = costAt(above, from - 1)
  for (let j = from; j < to; j += 1) {
    const isSame = word === wanted[j - 1]
    const up = costAt(above, j)
    let cost = unreached
    let edit = unknown
    if (diagonal + (isSame ? 0 : 1) < cost) {
      cost = diagonal + (isSame ? 0 : 1)
      edit = isSame ? keep : substitute
    }
    if (up + 1 < cost) {
      cost = up + 1
      edit = remove
    }
    if (left + 1 < cost) {
      cost = left + 1
      edit = insert
    }
    costs[j - from] = cost
    edits[j - from] = edit
    left = cost
    diagonal = up
  }
  return { from, costs, edits }
}

function alignmentOf(rows: readonly Row[], given: number, wanted: number): Omit<Edits, 'words' | 'rows'> {
  const path: number[] = []
  for (let i = given, j = wanted; i > 0 || j > 0; ) {
    const { from, edits } = rows[i]!
    const edit = edits[j - from] ?? unknown
    if (edit === unknown) throw new Error('the beam of the edit distance lost its way')
    path.push(edit)
    if (edit !== insert) i -= 1
    if (edit !== remove) j -= 1
  }
  const alignment: number[] = []
  const isWantedWrong: boolean[] = []
  const isGivenWrong: boolean[] = []
  for (const edit of path.reverse()) {
    if (edit !== insert) isGivenWrong.push(edit !== keep)
    if (edit === remove) continue
    alignment.push(isGivenWrong.length - 1)
    isWantedWrong.push(edit !== keep)
  }
  return { distance: costAt(rows[given]!, wanted), alignment, isWantedWrong, isGivenWrong }
}
