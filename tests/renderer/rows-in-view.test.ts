// Which rows of a long table are drawn, as its box is scrolled and the keyboard is in one of them: without a browser, the box
// is what of an element the reckoning asks for.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { useRowsInView } from '#renderer/features/experiments/rows-in-view.ts'

const rowPixels = 50
const boxPixels = 500

/** A box of ten rows that can be scrolled. */
function makeBox() {
  const listeners = new Set<() => void>()
  const box = {
    scrollTop: 0,
    scrollLeft: 0,
    offsetWidth: 900,
    offsetHeight: boxPixels,
    clientHeight: boxPixels,
    scrollHeight: 1_000_000,
    addEventListener: (kind: string, listener: () => void) => kind === 'scroll' && listeners.add(listener),
    removeEventListener: (_kind: string, listener: () => void) => listeners.delete(listener),
    scrollTo({ top }: { top: number }) {
      box.scrollTop = top
      for (const listener of listeners) listener()
    },
    ownerDocument: {
      defaultView: {
        performance,
        setTimeout,
        clearTimeout,
        requestAnimationFrame: () => 0,
        cancelAnimationFrame: () => {},
      },
    },
  }
  return box
}

let scope = effectScope()
beforeEach(() => {
  scope = effectScope()
})
afterEach(() => scope.stop())

/** 1,000 rows, with the keyboard in this one. */
async function openTable(kept: number | null = null, rows = 1000) {
  const box = makeBox()
  const element = ref<HTMLElement | null>(null)
  const count = ref(rows)
  const keyboardAt = ref(kept)
  const table = scope.run(() =>
    useRowsInView({
      box: element,
      count: () => count.value,
      rowPixels,
      headPixels: 40,
      kept: () => keyboardAt.value,
    }),
  )!
  element.value = box as unknown as HTMLElement
  await nextTick()
  return { ...table, box, count, keyboardAt }
}
const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)

describe('rows in view', () => {
  it('are drawn with a few around them, and no others', async () => {
    const { drawn, range, allPixels, topOf, box } = await openTable()
    expect(drawn.value).toEqual(upTo(0, 17))
    expect([range.value, allPixels.value, topOf(3)]).toEqual([{ first: 0, last: 9 }, 50_000, 150])
    box.scrollTo({ top: 300 * rowPixels })
    expect(drawn.value).toEqual(upTo(292, 317))
    expect(range.value).toEqual({ first: 300, last: 309 })
  })

  it('keep the row that has the keyboard, in its place of the order', async () => {
    const { drawn, box, keyboardAt } = await openTable(500)
    expect(drawn.value).toEqual([...upTo(0, 17), 500])
    box.scrollTo({ top: 900 * rowPixels })
    expect(drawn.value).toEqual([500, ...upTo(892, 917)])
    keyboardAt.value = 905
    expect(drawn.value).toEqual(upTo(892, 917))
    // The head has it, or nothing of the table.
    for (const none of [-1, null]) {
      keyboardAt.value = none
      expect(drawn.value).toEqual(upTo(892, 917))
    }
  })

  it('keep none that is not there any more', async () => {
    const { drawn, count } = await openTable(500)
    count.value = 6
    await nextTick()
    expect(drawn.value).toEqual(upTo(0, 5))
    count.value = 0
    await nextTick()
    expect(drawn.value).toEqual([])
  })

  it('are brought there by the keyboard, a page less two rows at once', async () => {
    const { show, rowsAtOnce, box, range } = await openTable()
    expect(rowsAtOnce()).toBe(8)
    show(5)
    expect(box.scrollTop).toBe(0)
    show(400)
    expect(range.value.first).toBeLessThanOrEqual(400)
    expect(range.value.last).toBeGreaterThanOrEqual(400)
  })

  it('are none before there is a box', async () => {
    const table = scope.run(() =>
      useRowsInView({ box: ref(null), count: () => 5, rowPixels, headPixels: 40, kept: () => null }),
    )!
    expect([table.drawn.value, table.rowsAtOnce()]).toEqual([[], 1])
  })
})
