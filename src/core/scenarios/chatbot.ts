// Chatbot: conversations; the model learns every turn of the assistant, each with all that was said before it.
import { type ChatMessage, chatMessage, type PromptedExample } from '#shared/rows.ts'
import { arrange, readConversation } from './conversation.ts'
import { columnNames, inLanguage, type Scenario } from './scenario.ts'

const instructions = {
  en: 'You are a helpful assistant. Answer the way the examples do.',
  de: 'Du bist ein hilfreicher Assistent. Antworte so wie in den Beispielen.',
  es: 'Eres un asistente útil. Responde como en los ejemplos.',
  fr: 'Tu es un assistant utile. Réponds comme dans les exemples.',
  zh: '你是一个乐于助人的助手。请按照示例的方式回答。',
  ja: 'あなたは親切なアシスタントです。例のように答えてください。',
} as const

export const chatbot: Scenario = {
  id: 'chatbot',
  title: 'Talk the way you do',
  description: 'The model holds conversations in your tone, turn by turn, as in the ones you bring.',
  brings: 'conversations',
  sample: {
    input: 'Are you open on Sunday?',
    answer: 'Yes, from ten to four. Shall I keep a table for you?',
  },
  roles: [
    {
      name: 'messages',
      title: 'Conversation',
      isRequired: false,
      help: 'A list of messages, each with its role and its words.',
      kind: 'list',
      columnGuesses: columnNames(
        'messages, conversation, conversations, dialog, dialogue, chat, turns, chat messages, history, transcript',
        'gespräch, nachrichten, verlauf, conversación, mensajes, diálogo, messages du chat, conversazione, messaggi',
        'conversa, mensagens, rozmowa, диалог, сообщения, 对话, 消息, 会话, 会話, メッセージ, 대화, محادثة, sohbet',
      ),
    },
    {
      name: 'user',
      title: 'What the person says',
      isRequired: false,
      help: 'One message to the model, where a row is one question and one reply.',
      kind: 'text',
      columnGuesses: columnNames(
        'user, human, question, prompt, instruction, input, query, message, customer, client, request',
        'frage, kunde, nutzer, benutzer, anfrage, pregunta, usuario, cliente, utilisateur, demande, utente, domanda',
        'użytkownik, pytanie, пользователь, вопрос, 用户, 问题, 提问, ユーザー, 質問, 사용자, 질문, المستخدم, kullanıcı',
      ),
    },
    {
      name: 'assistant',
      title: 'What the assistant replies',
      isRequired: false,
      help: 'The reply you want.',
      kind: 'text',
      columnGuesses: columnNames(
        'assistant, reply, response, answer, bot, chosen, output, completion, agent, support, target, gpt',
        'antwort, assistent, respuesta, asistente, réponse, reponse, assistente, risposta, resposta',
        'odpowiedź, asystent, ответ, ассистент, 助手, 回答, 回复, アシスタント, 返答, 답변, المساعد, cevap, yanıt',
      ),
    },
    {
      name: 'context',
      title: 'What goes with the message',
      isRequired: false,
      help: 'A text that the message is about; it stands below it.',
      kind: 'text',
      columnGuesses: columnNames(
        'input, context, passage, kontext, contexto, contexte, contesto, 上下文, 文脈',
      ),
    },
    {
      name: 'system',
      title: 'What the assistant is told beforehand',
      isRequired: false,
      help: 'A text that stands before the conversation of this row, in place of the instruction.',
      kind: 'text',
      columnGuesses: columnNames(
        'system, system prompt, system message, persona, systemnachricht, 系统, システム',
      ),
    },
  ],
  alternatives: [['messages'], ['user', 'assistant']],
  inputRoles: ['messages'],
  answerRole: 'assistant',
  identityRoles: ['messages'],
  readRecord({ messages, user = '', context, assistant: reply = '', system: opening }) {
    const before = opening === undefined ? [] : [system(opening)]
    const read =
      messages === undefined
        ? arrange([
            ...before,
            { role: 'user', content: context === undefined ? user : `${user}\n\n${context}` },
            assistant(reply),
          ])
        : readConversation(messages)
    if ('reason' in read) return read
    const hasOpening = messages === undefined || read.messages[0]?.role === 'system'
    const turns = hasOpening ? read.messages : [...before, ...read.messages]
    const row = { messages: JSON.stringify(turns.slice(0, -1)), assistant: turns.at(-1)?.content ?? '' }
    return { rows: [row], note: read.note }
  },
  defaultInstruction: (facts) => inLanguage(instructions, facts),
  toExamples({ rowId, fields }, instruction) {
    const turns = [...turnsOf(fields.messages ?? '[]'), assistant(fields.assistant ?? '')]
    const opening = turns[0]?.role === 'system' || instruction.trim() === '' ? [] : [system(instruction)]
    const examples: PromptedExample[] = []
    for (const [at, { role, content }] of turns.entries()) {
      if (role !== 'assistant') continue
      const id = examples.length === 0 ? rowId : `${rowId}#${examples.length + 1}`
      examples.push({ rowId: id, prompt: [...opening, ...turns.slice(0, at)], answer: content })
    }
    return examples
  },
  labelsOf: () => null,
  metrics: ['lossNats', 'tokenF1', 'perplexity'],
}

const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })

/** What `readRecord` wrote: everything before the last answer. */
const turnsOf = (field: string): ChatMessage[] => chatMessage.array().parse(JSON.parse(field))
