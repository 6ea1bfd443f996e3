// Encodings: found by content, decoded strictly, refused with the place of the first bad byte.
import { describe, expect, test } from 'vitest'
import { openTable } from '#formats/table.ts'
import { tableLimits } from '#formats/table-types.ts'
import { decodeText, detectEncoding } from '#formats/text-encoding.ts'
import { cellsOf, encodeLegacy, endlessSource, problemOf, readText, sourceOf } from './table-support.ts'

const utf16 = (text: string, isBig: boolean, hasMark: boolean): Uint8Array => {
  const bytes = Buffer.from((hasMark ? '\uFEFF' : '') + text, 'utf16le')
  return isBig ? bytes.swap16() : bytes
}

const french = 'texte,étiquette\nà bientôt,amitié\nça va très bien,santé\nl’été sera là,météo\n'
const rows = (text: string): string[][] =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))

describe('Unicode', () => {
  test.each<[string, Uint8Array, string, string]>([
    ['UTF-8', new TextEncoder().encode(french), 'utf-8', 'valid UTF-8'],
    ['UTF-8 with a mark', new TextEncoder().encode(`\uFEFF${french}`), 'utf-8', 'byte order mark'],
    ['UTF-16 LE with a mark', utf16(french, false, true), 'utf-16le', 'byte order mark'],
    ['UTF-16 BE with a mark', utf16(french, true, true), 'utf-16be', 'byte order mark'],
    ['UTF-16 LE without a mark', utf16(french, false, false), 'utf-16le', 'guess'],
    ['UTF-16 BE without a mark', utf16(french, true, false), 'utf-16be', 'guess'],
  ])('%s', async (_, bytes, encoding, encodingFrom) => {
    const table = await readText('a.csv', bytes)
    expect(table.shape).toMatchObject({ encoding, encodingFrom })
    expect(table.columns).toEqual(['texte', 'étiquette'])
    expect(cellsOf(table)).toEqual(rows(french))
  })

  test('characters cut by the edge of a chunk are whole again', async () => {
    const text = `text,label\n${'日本語の長い文章😀,正\n'.repeat(20_000)}`
    const table = await readText('a.csv', text)
    expect(table.records).toHaveLength(20_000)
    expect(new Set(cellsOf(table).map((cells) => cells.join('|'))).size).toBe(1)
  })

  test('UTF-32 is refused by name', async () => {
    const problem = await problemOf(sourceOf('a.csv', Uint8Array.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])))
    expect(problem.code).toBe('table.encoding')
    expect(problem.message).toContain('UTF-32LE')
  })
})

describe('legacy encodings', () => {
  const russian =
    'текст,метка\nздравствуйте дорогие друзья,привет\nкогда придёт мой заказ,доставка\nспасибо за быструю помощь,благодарность\nгде находится ваш магазин,адрес\n'
  const japanese =
    '本文,分類\n注文した商品がまだ届きません,配送\n返品の方法を教えてください,返品\n請求書の金額が違います,請求\n営業時間は何時までですか,店舗\n'
  const chinese =
    '内容,类别\n我的订单什么时候可以送到,物流\n请告诉我如何办理退货手续,退货\n发票上的金额好像不对,账单\n你们的营业时间是几点到几点,门店\n'
  const taiwanese =
    '內容,類別\n我的訂單什麼時候可以送到,物流\n請告訴我如何辦理退貨手續,退貨\n發票上的金額好像不對,帳單\n你們的營業時間是幾點到幾點,門市\n'
  const korean =
    '내용,분류\n주문한 상품이 아직 도착하지 않았습니다,배송\n반품 방법을 알려 주세요,반품\n청구서 금액이 다릅니다,청구\n'
  const polish =
    'treść,etykieta\nproszę o zwrot pieniędzy za źle wysłaną przesyłkę,zwroty\nkiedy otrzymam moje zamówienie,dostawa\nczy są państwo otwarci również w niedzielę,sklep\n'
  test.each([
    ['windows-1252', 'windows-1252', french.replaceAll('’', "'")],
    ['windows-1251', 'windows-1251', russian],
    ['KOI8-R', 'koi8-r', russian],
    ['Shift-JIS', 'shift_jis', japanese],
    ['EUC-JP', 'euc-jp', japanese],
    ['GB18030', 'gb18030', chinese],
    ['Big5', 'big5', taiwanese],
    ['EUC-KR', 'euc-kr', korean],
    ['ISO-8859-2', 'iso-8859-2', polish],
  ])('%s', async (_, encoding, text) => {
    const table = await readText('a.csv', encodeLegacy(text, encoding))
    expect(cellsOf(table)).toEqual(rows(text))
    expect(table.shape.encodingFrom).toBe('guess')
  })

  test('very short texts: windows-1252 and Shift-JIS', async () => {
    const cafe = await readText('a.csv', encodeLegacy('mot,sens\ncafé,x\n', 'windows-1252'))
    expect(cellsOf(cafe)).toEqual([['café', 'x']])
    const tokyo = await readText('a.csv', encodeLegacy('名前,住所\n佐藤,東京\n', 'shift_jis'))
    expect(cellsOf(tokyo)).toEqual([['佐藤', '東京']])
  })

  test('the person can say the encoding', async () => {
    const bytes = encodeLegacy('a,b\nпривет,x\n', 'windows-1251')
    const table = await readText('a.csv', bytes, { encoding: 'windows-1251' })
    expect(cellsOf(table)).toEqual([['привет', 'x']])
    expect(table.shape.encodingFrom).toBe('choice')
    const problem = await problemOf(sourceOf('a.csv', bytes), { encoding: 'klingon' })
    expect(problem).toMatchObject({ code: 'table.encoding' })
  })
})

describe('bytes that are no text', () => {
  test('UTF-8 with one bad byte: the Problem has its line and offset', async () => {
    const good = new TextEncoder().encode('text,label\nà bientôt,é\nça va,é\nété,ü\n')
    const bytes = Uint8Array.from([...good.subarray(0, 30), 0xe9, ...good.subarray(30)])
    const problem = await problemOf(sourceOf('a.csv', bytes))
    expect(problem.code).toBe('table.encoding')
    expect(problem.where).toBe('a.csv, line 3 (byte 30)')
    expect(problem.remedy).not.toBe('')
  })

  test.each([
    ['utf-8', [0xff]],
    ['shift_jis', [0x81, 0x0a]],
    ['euc-jp', [0xfe, 0x0a]],
    ['utf-16le', [0x00, 0xd8, 0x41, 0x00]],
  ])('a chosen %s stops at the very byte, in any chunk', async (encoding, bad) => {
    const unit =
      encoding === 'utf-16le' ? utf16('word,x\n', false, false) : new TextEncoder().encode('word,x\n')
    for (const units of [3, 40_000, 90_001]) {
      const before = unit.length * units
      const bytes = Buffer.concat([...Array.from({ length: units }, () => unit), Uint8Array.from(bad), unit])
      const problem = await problemOf(sourceOf('a.csv', bytes), { encoding })
      expect(problem.code).toBe('table.encoding')
      const at = Number(/byte (\d+)/.exec(problem.where)?.[1])
      expect(at).toBeGreaterThanOrEqual(before)
      expect(at).toBeLessThan(before + bad.length)
    }
  })

  test('bug: the line was counted by line feeds alone, and by halves of letters in UTF-16', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const bytes = Buffer.from(`text,label${end}one,x${end}two\xff,y${end}`, 'latin1')
      const problem = await problemOf(sourceOf('a.csv', bytes), { encoding: 'utf-8' })
      expect(problem.where).toMatch(/^a\.csv, line 3 /)
    }
    for (const isBig of [false, true]) {
      const bytes = utf16('text,label\n\u0a95\u0b0a\u0a0a,x\r\n\ud800,y\n', isBig, true)
      const problem = await problemOf(sourceOf('a.csv', bytes))
      expect(problem.where).toMatch(/^a\.csv, line 3 /)
    }
  })

  test('a text cut inside its last character is refused', async () => {
    const bytes = new TextEncoder().encode('text,label\nune idée,é').subarray(0, -1)
    const problem = await problemOf(sourceOf('a.csv', bytes), { encoding: 'utf-8' })
    expect(problem).toMatchObject({
      code: 'table.encoding',
      where: `a.csv, line 2 (byte ${bytes.length - 1})`,
    })
  })

  test('files of other kinds are called by their name', async () => {
    const zip = await problemOf(sourceOf('a.xlsx', Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 6, 0])))
    expect(zip.code).toBe('table.unknown-format')
    expect(zip.remedy).toContain('CSV')
    const noise = Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919) % 256)
    expect((await problemOf(sourceOf('a.bin', noise))).code).toBe('table.unknown-format')
  })

  test('prose is refused unless its name says it is a table', async () => {
    const prose = 'It was late, and nobody came.\nThe rain fell.\nThen, at last, a knock, and silence.\n'
    expect((await problemOf(sourceOf('a.txt', prose))).code).toBe('table.unknown-format')
  })

  test('an empty file and a file of blanks', async () => {
    expect((await problemOf(sourceOf('a.csv', ''))).code).toBe('table.empty')
    expect((await problemOf(sourceOf('a.csv', ' \n\n\t\n'))).code).toBe('table.empty')
    expect((await problemOf(sourceOf('a.csv', '\uFEFF'))).code).toBe('table.empty')
  })

  test('a heading alone is a table without records', async () => {
    const table = await readText('a.csv', 'text,label\n')
    expect(table.columns).toEqual(['text', 'label'])
    expect(table.records).toEqual([])
  })
})

test('a file larger than the whole check is judged by its head', async () => {
  const size = tableLimits.wholeCheckBytes + 1_000_000
  const source = endlessSource('a.csv', { head: 'text,label\n', filler: 'word,x\n', tail: '' }, size)
  expect(await detectEncoding(source)).toEqual({ encoding: 'utf-8', from: 'valid UTF-8' })
  expect(source.bytesRead()).toBeLessThan(8 * tableLimits.sampleBytes)
})

test('bug: a letter cut by the end of the looked-at head counted as a bad byte', async () => {
  const size = tableLimits.wholeCheckBytes + 1_000_000
  // Eleven bytes, then letters of two: one begins on the last byte of every chunk.
  const source = endlessSource('a.csv', { head: 'text,label\n', filler: 'é', tail: '' }, size)
  expect(await detectEncoding(source)).toEqual({ encoding: 'utf-8', from: 'valid UTF-8' })
})

test('opening never throws for a source that ends in the middle of UTF-16', async () => {
  const bytes = utf16('text,label\none,x\n', false, true)
  const table = await openTable(sourceOf('a.csv', bytes.subarray(0, -1)))
  expect(table.ok ? 'ok' : table.problem.code).toBe('table.encoding')
})

test('pieces of the text are bounded', async () => {
  let longest = 0
  for await (const piece of decodeText(sourceOf('a.csv', 'x'.repeat(3_000_000)), 'utf-8'))
    longest = Math.max(longest, piece.length)
  expect(longest).toBe(tableLimits.chunkBytes)
})
