// Domain texts: plain documents of a field, learnt word by word, without questions and answers.
import { passagesOf } from '#formats/passages.ts'
import { columnNames, type Scenario } from './scenario.ts'

export const domain: Scenario = {
  id: 'domain',
  title: 'Learn the language of your field',
  description:
    'The model reads your documents and learns their words and facts, before it learns to answer questions about them.',
  brings: 'documents',
  sample: {
    input: 'The bottom bracket is greased before',
    answer: 'the cups are threaded in, left side first.',
  },
  roles: [
    {
      name: 'text',
      title: 'Text',
      isRequired: true,
      help: 'Plain text of your field: chapters, manuals, reports, articles.',
      kind: 'text',
      columnGuesses: columnNames(
        'text, document, content, body, passage, paragraph, article, page, chapter, full text, page content',
        'dokument, inhalt, absatz, abschnitt, artikel, seite, kapitel, texto, documento, contenido, párrafo, artículo',
        'texte, contenu, paragraphe, page de texte, chapitre, testo, contenuto, paragrafo, tekst, treść, akapit, текст, документ, абзац',
        '文本, 正文, 内容, 段落, 文章, 本文, テキスト, 文書, 텍스트, 본문, 내용, نص, metin, içerik',
      ),
    },
  ],
  textAs: 'passages',
  inputRoles: [],
  answerRole: 'text',
  identityRoles: ['text'],
  readRecord: ({ text = '' }) => ({ rows: passagesOf(text).map((passage) => ({ text: passage.text })) }),
  defaultInstruction: () => '',
  // An empty prompt: plain text without a chat template, and every token is learnt.
  toExamples: ({ rowId, fields }) => [{ rowId, prompt: [], answer: fields.text ?? '' }],
  labelsOf: () => null,
  metrics: ['bitsPerByte', 'lossNats', 'perplexity'],
}
