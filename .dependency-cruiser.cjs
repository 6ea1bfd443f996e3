// Turns the one table of rooms (src/rooms.json) into lint rules. No exemptions are written here.
const { builtinModules } = require('node:module')
const { rooms } = require('./src/rooms.json')

const names = Object.keys(rooms)
const quoted = (name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
const packagePattern = (names) => `node_modules/(${names.map(quoted).join('|')})/`

const forbidden = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  {
    name: 'src-knows-no-tests',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(tests|bench|scripts)/' },
  },
]
for (const [room, rule] of Object.entries(rooms)) {
  const from = { path: `^src/${room}/` }
  const strangers = names.filter((other) => other !== room && !rule.mayImport.includes(other))
  if (strangers.length > 0)
    forbidden.push({
      name: `${room}-rooms`,
      severity: 'error',
      from,
      to: { path: `^src/(${strangers.join('|')})/` },
    })
  forbidden.push({
    name: `${room}-packages`,
    severity: 'error',
    from,
    to: {
      path: 'node_modules/',
      ...(rule.packages.length > 0
        ? {
            pathNot: packagePattern([
              ...rule.packages,
              ...rule.packages.map((p) => `@types/${p.replace('@', '').replace('/', '__')}`),
            ]),
          }
        : {}),
    },
  })
  for (const [pkg, only] of Object.entries(rule.packagesOnlyIn ?? {}))
    forbidden.push({
      name: `${room}-${pkg.replace(/\W/g, '-')}-place`,
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: only },
      to: { path: packagePattern([pkg]) },
    })
  if (!rule.node)
    forbidden.push({ name: `${room}-no-node`, severity: 'error', from, to: { dependencyTypes: ['core'] } })
  if (rule.nodeOnlyIn)
    forbidden.push({
      name: `${room}-node-place`,
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: rule.nodeOnlyIn },
      to: { dependencyTypes: ['core'] },
    })
}

module.exports = {
  forbidden,
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: require('node:path').join(__dirname, 'tsconfig.node.json') },
    builtInModules: { override: [...builtinModules, ...builtinModules.map((name) => `node:${name}`)] },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.vue', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
}
