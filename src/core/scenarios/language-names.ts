// Names of languages in the languages of the program, and the ways in which files write them. What is not in the table
// keeps the name that the file gives it.
import type { Language } from '#shared/contract/system.ts'

type Names = readonly [en: string, de: string, es: string, fr: string, zh: string, ja: string]

const order: readonly Language[] = ['en', 'de', 'es', 'fr', 'zh', 'ja']

/** By ISO 639-1 code. French names carry no article. */
const table: Readonly<Record<string, Names>> = {
  ar: ['Arabic', 'Arabisch', 'árabe', 'arabe', '阿拉伯语', 'アラビア語'],
  bg: ['Bulgarian', 'Bulgarisch', 'búlgaro', 'bulgare', '保加利亚语', 'ブルガリア語'],
  ca: ['Catalan', 'Katalanisch', 'catalán', 'catalan', '加泰罗尼亚语', 'カタルーニャ語'],
  cs: ['Czech', 'Tschechisch', 'checo', 'tchèque', '捷克语', 'チェコ語'],
  da: ['Danish', 'Dänisch', 'danés', 'danois', '丹麦语', 'デンマーク語'],
  de: ['German', 'Deutsch', 'alemán', 'allemand', '德语', 'ドイツ語'],
  el: ['Greek', 'Griechisch', 'griego', 'grec', '希腊语', 'ギリシャ語'],
  en: ['English', 'Englisch', 'inglés', 'anglais', '英语', '英語'],
  es: ['Spanish', 'Spanisch', 'español', 'espagnol', '西班牙语', 'スペイン語'],
  et: ['Estonian', 'Estnisch', 'estonio', 'estonien', '爱沙尼亚语', 'エストニア語'],
  fa: ['Persian', 'Persisch', 'persa', 'persan', '波斯语', 'ペルシア語'],
  fi: ['Finnish', 'Finnisch', 'finés', 'finnois', '芬兰语', 'フィンランド語'],
  fr: ['French', 'Französisch', 'francés', 'français', '法语', 'フランス語'],
  he: ['Hebrew', 'Hebräisch', 'hebreo', 'hébreu', '希伯来语', 'ヘブライ語'],
  hi: ['Hindi', 'Hindi', 'hindi', 'hindi', '印地语', 'ヒンディー語'],
  hr: ['Croatian', 'Kroatisch', 'croata', 'croate', '克罗地亚语', 'クロアチア語'],
  hu: ['Hungarian', 'Ungarisch', 'húngaro', 'hongrois', '匈牙利语', 'ハンガリー語'],
  id: ['Indonesian', 'Indonesisch', 'indonesio', 'indonésien', '印度尼西亚语', 'インドネシア語'],
  it: ['Italian', 'Italienisch', 'italiano', 'italien', '意大利语', 'イタリア語'],
  ja: ['Japanese', 'Japanisch', 'japonés', 'japonais', '日语', '日本語'],
  ko: ['Korean', 'Koreanisch', 'coreano', 'coréen', '韩语', '韓国語'],
  lt: ['Lithuanian', 'Litauisch', 'lituano', 'lituanien', '立陶宛语', 'リトアニア語'],
  lv: ['Latvian', 'Lettisch', 'letón', 'letton', '拉脱维亚语', 'ラトビア語'],
  nl: ['Dutch', 'Niederländisch', 'neerlandés', 'néerlandais', '荷兰语', 'オランダ語'],
  no: ['Norwegian', 'Norwegisch', 'noruego', 'norvégien', '挪威语', 'ノルウェー語'],
  pl: ['Polish', 'Polnisch', 'polaco', 'polonais', '波兰语', 'ポーランド語'],
  pt: ['Portuguese', 'Portugiesisch', 'portugués', 'portugais', '葡萄牙语', 'ポルトガル語'],
  ro: ['Romanian', 'Rumänisch', 'rumano', 'roumain', '罗马尼亚语', 'ルーマニア語'],
  ru: ['Russian', 'Russisch', 'ruso', 'russe', '俄语', 'ロシア語'],
  sk: ['Slovak', 'Slowakisch', 'eslovaco', 'slovaque', '斯洛伐克语', 'スロバキア語'],
  sl: ['Slovenian', 'Slowenisch', 'esloveno', 'slovène', '斯洛文尼亚语', 'スロベニア語'],
  sr: ['Serbian', 'Serbisch', 'serbio', 'serbe', '塞尔维亚语', 'セルビア語'],
  sv: ['Swedish', 'Schwedisch', 'sueco', 'suédois', '瑞典语', 'スウェーデン語'],
  th: ['Thai', 'Thailändisch', 'tailandés', 'thaï', '泰语', 'タイ語'],
  tr: ['Turkish', 'Türkisch', 'turco', 'turc', '土耳其语', 'トルコ語'],
  uk: ['Ukrainian', 'Ukrainisch', 'ucraniano', 'ukrainien', '乌克兰语', 'ウクライナ語'],
  vi: ['Vietnamese', 'Vietnamesisch', 'vietnamita', 'vietnamien', '越南语', 'ベトナム語'],
  zh: ['Chinese', 'Chinesisch', 'chino', 'chinois', '中文', '中国語'],
}

/** Endonyms and codes of three letters that differ from all names above. */
const otherNames: Readonly<Record<string, string>> = {
  eng: 'en',
  deu: 'de',
  ger: 'de',
  spa: 'es',
  fra: 'fr',
  fre: 'fr',
  ita: 'it',
  por: 'pt',
  português: 'pt',
  nld: 'nl',
  nederlands: 'nl',
  pol: 'pl',
  polski: 'pl',
  rus: 'ru',
  русский: 'ru',
  українська: 'uk',
  zho: 'zh',
  chi: 'zh',
  汉语: 'zh',
  jpn: 'ja',
  kor: 'ko',
  한국어: 'ko',
  العربية: 'ar',
  türkçe: 'tr',
  ελληνικά: 'el',
}

const codes = new Map<string, string>([
  ...Object.entries(table).flatMap(([code, names]) =>
    [code, ...names].map((name) => [name.toLowerCase(), code] as const),
  ),
  ...Object.entries(otherNames),
])

/** The ISO code of a language that a file writes as "de", "de-AT", "German" or "Deutsch"; null for any other text. */
export function languageCode(written: string): string | null {
  const text = written.normalize('NFC').trim().toLowerCase()
  const base = /^([a-z]{2,3})[-_][a-z0-9]{2,8}$/.exec(text)?.[1]
  return codes.get(text) ?? (base === undefined ? null : (codes.get(base) ?? null))
}

/** What a language is called in another; as it was written where it is not in the table. */
export function languageName(written: string, language: Language): string {
  const names = table[languageCode(written) ?? '']
  return names?.[order.indexOf(language)] ?? written.trim()
}
