// Edit distance of two lists of words near the diagonal, with the alignment that tercom reads off it. Used by ter.ts only.

const beamWidth = 25
/** Greater than any distance; sums of it stay within 32 bits. */
const unreached = 1_000_000_000

const unknown = 0
const keep = 1
const substitute = 2
const remove = 3
const insert = 4

/** Row i: distance between the first i words of the answer and the first j expected words, and the last edit on the way. */
interface Row {
  readonly costs: Int32Array
  readonly edits: Uint8Array
}

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
  return rows[words.length]!.costs[wanted.length]!
}

const firstRow = (width: number): Row => ({
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
  const costs = new Int32Array(wanted.length + 1).fill(unreached)
  const edits = new Uint8Array(wanted.length + 1)
  for (let j = from; j < to; j += 1) {
    let [cost, edit] = [unreached, unknown]
    const consider = (other: number, name: number): void => {
      if (other < cost) [cost, edit] = [other, name]
    }
    if (j > 0) {
      const isSame = word === wanted[j - 1]
      consider(above.costs[j - 1]! + (isSame ? 0 : 1), isSame ? keep : substitute)
    }
    consider(above.costs[j]! + 1, remove)
    if (j > 0) consider(costs[j - 1]! + 1, insert)
    costs[j] = cost
    edits[j] = edit
  }
  return { costs, edits }
}

function alignmentOf(rows: readonly Row[], given: number, wanted: number): Omit<Edits, 'words' | 'rows'> {
  const path: number[] = []
  for (let i = given, j = wanted; i > 0 || j > 0; ) {
    const edit = rows[i]!.edits[j]!
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
  return { distance: rows[given]!.costs[wanted]!, alignment, isWantedWrong, isGivenWrong }
}
