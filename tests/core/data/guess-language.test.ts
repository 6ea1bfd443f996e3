// The guess of a text's language: right where the text tells, silent where it does not.
import { expect, test } from 'vitest'
import { guessLanguage } from '#core/data/guess-language.ts'

test.each([
  ['Where is my order? I have not received the parcel that you sent.', 'English'],
  ['Bitte sagen Sie mir, wie ich die Lampe mit dem Rad verbinde, es ist nicht klar.', 'German'],
  ['Je ne sais pas comment régler les freins que vous avez livrés pour le vélo.', 'French'],
  ['No sé cómo se cambia la cadena de la bicicleta que compré para mi hijo.', 'Spanish'],
  ['Non so come si cambia la catena della bicicletta che ho comprato per mio figlio.', 'Italian'],
  ['自転車のチェーンを交換したいのですが、どうすればいいですか。', 'Japanese'],
  ['我想更换自行车的链条，请问应该怎么做？', 'Chinese'],
  ['Как поменять цепь на велосипеде, который я купил?', 'Russian or another Cyrillic language'],
  ['What does a berth for a private boat cost?', 'English'],
  ['A request for a recipe', null],
  ['Anna Berg', null],
  ['4711 / 0815', null],
  ['', null],
])('%s', (text, language) => {
  expect(guessLanguage(text)).toBe(language)
})

test('a text of any length takes a bounded look', () => {
  expect(guessLanguage(`the and is of ${'x '.repeat(5_000_000)}`)).toBe('English')
})
