// Creative writing: texts of a genre to learn from, with or without what each was asked for.
import { columnNames, inLanguage, promptedExample, type Scenario } from './scenario.ts'

const instructions = {
  en: 'Write a text in the style you have learnt.',
  de: 'Schreibe einen Text in dem Stil, den du gelernt hast.',
  es: 'Escribe un texto en el estilo que has aprendido.',
  fr: 'Écris un texte dans le style que tu as appris.',
  zh: '用你学到的风格写一段文字。',
  ja: '学んだ文体で文章を書いてください。',
} as const

export const creativeWriting: Scenario = {
  id: 'creative-writing',
  title: 'Write in your style',
  description: 'The model writes new texts in the manner of yours: poems, stories, advertisements, speeches.',
  brings: 'example texts, with or without a prompt',
  sample: {
    input: 'The harbour in the morning',
    answer: 'Ropes creak, gulls argue.\nThe first boat takes the grey light\nout beyond the wall.',
  },
  roles: [
    {
      name: 'text',
      title: 'Text',
      isRequired: true,
      help: 'A whole text of the kind you want: a poem, a scene, an advertisement.',
      kind: 'text',
      columnGuesses: columnNames(
        'text, poem, story, completion, output, content, body, lyrics, verse, scene, letter, response, answer, target',
        'gedicht, geschichte, erzählung, liedtext, inhalt, brief, poema, cuento, relato, historia, texto, contenido',
        'poème, poeme, histoire, récit, texte, contenu, conto, poesia, racconto, testo, wiersz, opowiadanie, tekst',
        'стихотворение, рассказ, текст, 诗, 诗歌, 故事, 正文, 文本, 詩, 物語, 本文, テキスト, 시, 이야기, 본문, قصيدة, şiir, metin',
      ),
    },
    {
      name: 'prompt',
      title: 'Prompt',
      isRequired: false,
      help: 'What the text was asked for: a title, a theme, the first words.',
      kind: 'text',
      columnGuesses: columnNames(
        'prompt, title, theme, topic, instruction, subject, request, input, heading, opening',
        'titel, überschrift, auftrag, thema, anfang, título, titulo, tema, consigna, titre, thème, theme de depart, sujet, consigne',
        'titolo, argomento, tytuł, temat, название, тема, заголовок, 标题, 题目, 主题, 提示, 題名, タイトル, お題, テーマ, 제목, 주제, عنوان, başlık, konu',
      ),
    },
  ],
  textAs: 'passages',
  inputRoles: ['prompt'],
  answerRole: 'text',
  identityRoles: ['text'],
  defaultInstruction: (facts) => inLanguage(instructions, facts),
  toExamples(row, instruction) {
    const { text = '', prompt = '' } = row.fields
    // Without a prompt the instruction is itself what is asked.
    return prompt.trim() === ''
      ? [promptedExample(row, '', instruction, text)]
      : [promptedExample(row, instruction, prompt, text)]
  },
  labelsOf: () => null,
  metrics: ['perplexity', 'lossNats', 'distinct2', 'memorisedSpans'],
}
