// All words of the page, by language and feature, and `t`, the one way to them. A wrong key or a missing value in a
// sentence does not compile. English is complete; another language is a folder beside `en` of the same shape.
import { createI18n } from 'vue-i18n'
import { nameForeign } from '../foreign-text.ts'
import { chat } from './en/chat.ts'
import { common } from './en/common.ts'
import { devices } from './en/devices.ts'
import { experiments } from './en/experiments.ts'
import { frame } from './en/frame.ts'
import { models } from './en/models.ts'
import { projects } from './en/projects.ts'
import { proof } from './en/proof.ts'
import { recipe } from './en/recipe.ts'
import { settings } from './en/settings.ts'
import { start } from './en/start.ts'
import { studies } from './en/studies.ts'
import { training } from './en/training.ts'
import { use } from './en/use.ts'
import { wizard } from './en/wizard.ts'

const en = {
  chat,
  common,
  devices,
  experiments,
  frame,
  models,
  projects,
  proof,
  recipe,
  settings,
  start,
  studies,
  training,
  use,
  wizard,
} as const

type Words = typeof en
type Leaf<T> = T extends string
  ? ''
  : { [K in keyof T & string]: Leaf<T[K]> extends '' ? K : `${K}.${Leaf<T[K]>}` }[keyof T & string]
type At<T, Path extends string> = Path extends `${infer Head}.${infer Rest}`
  ? Head extends keyof T
    ? At<T[Head], Rest>
    : never
  : Path extends keyof T
    ? T[Path]
    : never
type Slot<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Slot<Rest> : never

/** Every key of a word or a sentence: 'common.back', 'frame.network.counter'. */
export type WordKey = Leaf<Words>
/** Keys of sentences without values, for what is looked up by a variable. */
export type PlainKey = { [K in WordKey]: [Slot<At<Words, K>>] extends [never] ? K : never }[WordKey]
/** The places of a sentence that values fill; a number in `count` also chooses singular or plural. */
type Values<K extends WordKey> = [Slot<At<Words, K>>] extends [never]
  ? []
  : [values: Readonly<Record<Slot<At<Words, K>>, string | number>>]

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en },
  missingWarn: true,
})

const inEnglish = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** Characters of a name inside a sentence; what may be longer goes through ForeignText. */
const nameLimit = 500

/**
 * The words for a key in the page's language. Numbers are written with their thousands marked: 1,412. Text that fills a
 * place may be a stranger's (a file's name, a model's licence), so it is shown as foreign text is.
 */
export function t<K extends WordKey>(key: K, ...[values]: Values<K>): string {
  if (values === undefined) return i18n.global.t(key)
  const named: Record<string, string> = {}
  let plural: number | undefined
  for (const [name, value] of Object.entries<string | number>(values)) {
    named[name] = typeof value === 'number' ? inEnglish.format(value) : nameForeign(value, nameLimit)
    if (name === 'count' && typeof value === 'number') plural = value
  }
  return plural === undefined ? i18n.global.t(key, named) : i18n.global.t(key, named, plural)
}
