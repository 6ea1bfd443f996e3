// Which rows of a long table are drawn: those in view, a few around them, and the one that has the keyboard wherever it is.
// Every row is as high as the others.
import { useVirtualizer } from '@tanstack/vue-virtual'
import { computed, type Ref } from 'vue'

interface LongTable {
  /** What scrolls; null until it is there. */
  readonly box: Readonly<Ref<HTMLElement | null>>
  readonly count: () => number
  readonly rowPixels: number
  /** Of the head, which stays in place over the rows. */
  readonly headPixels: number
  /** The row that has the keyboard: gone, it would take the keyboard with it. Where there is none such (the head), none is kept. */
  readonly kept: () => number | null
}

/** Rows around those in view, so that none is missing while one scrolls. */
const around = 8

export function useRowsInView({ box, count, rowPixels, headPixels, kept }: LongTable) {
  const virtualizer = useVirtualizer(
    computed(() => ({
      count: count(),
      getScrollElement: () => box.value,
      estimateSize: () => rowPixels,
      overscan: around,
      scrollPaddingStart: headPixels,
    })),
  )
  return {
    /** In order: an element that is moved loses the keyboard too. */
    drawn: computed<readonly number[]>(() => {
      const inView = virtualizer.value.getVirtualItems().map(({ index }) => index)
      const row = kept()
      const all = row === null || row < 0 || row >= count() ? inView : [...new Set([...inView, row])]
      return all.sort((a, b) => a - b)
    }),
    /** The first and the last row in view. */
    range: computed(() => {
      const { startIndex = 0, endIndex = 0 } = virtualizer.value.range ?? {}
      return { first: startIndex, last: endIndex }
    }),
    /** Of all rows, drawn or not. */
    allPixels: computed(() => virtualizer.value.getTotalSize()),
    topOf: (row: number): number => row * rowPixels,
    /** That a page further leads over; a row of this page is still seen. */
    rowsAtOnce: (): number => Math.max(1, Math.floor((box.value?.clientHeight ?? rowPixels) / rowPixels) - 2),
    /** Brings a row into view, as far as it has to be moved. */
    show: (row: number): void => virtualizer.value.scrollToIndex(row, { align: 'auto' }),
  }
}
