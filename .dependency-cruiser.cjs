// SPDX-License-Identifier: Apache-2.0
// The dependency rules of the design. Data flows down, imports point one way; this file proves it.
const only = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('no-cycles', 'no import cycles', {}, { circular: true }),
    only(
      'no-orphans',
      'every file is reached from a program',
      { orphan: true, path: '^src', pathNot: '\\.d\\.ts$' },
      {},
    ),
    only(
      'spice-imports-nothing',
      'the codec is bytes in, events out',
      { path: '^src/console/spice/' },
      { pathNot: '^src/console/spice/' },
    ),
    only(
      'rfb-imports-nothing',
      'the codec is bytes in, events out',
      { path: '^src/rfb/' },
      { path: '^src/', pathNot: '^src/rfb/' },
    ),
    only(
      'only-db-imports-typeorm',
      'SQL stays in db',
      { path: '^src', pathNot: '^src/db/' },
      { path: 'node_modules/(typeorm|@nestjs/typeorm|better-sqlite3|mysql2)(/|$)' },
    ),
    only(
      'only-messaging-imports-amqplib',
      'AMQP stays in messaging',
      { path: '^src', pathNot: '^src/messaging/' },
      { path: 'node_modules/amqplib(/|$)' },
    ),
    only(
      'only-ssh-imports-ssh2',
      'ssh has one owner, for platforms and for relay workers',
      { path: '^src', pathNot: '^src/ssh/' },
      { path: 'node_modules/ssh2(/|$)' },
    ),
    only(
      'ssh-looks-down',
      'a way to a host knows no noun of Kerbside',
      { path: '^src/ssh/' },
      { path: '^src/', pathNot: '^src/(ssh|net|exception)' },
    ),
    only(
      'messaging-looks-down',
      'messages in and out: no database, no HTTP',
      { path: '^src/messaging/' },
      { path: '^src/', pathNot: '^src/(messaging|net|tls|objects|conf|exception|injection|log|option-file)' },
    ),
    only(
      'only-identity-compute-sources-call-out',
      'outgoing HTTP has three owners',
      { path: '^src', pathNot: '^src/(identity|compute|sources)/' },
      { path: 'node_modules/axios(/|$)' },
    ),
    only(
      'api-not-console',
      'api and console share objects and the database, never code',
      { path: '^src/api/' },
      { path: '^src/console/' },
    ),
    only(
      'console-not-api',
      'api and console share objects and the database, never code',
      { path: '^src/console/' },
      { path: '^src/api/' },
    ),
    only(
      'html5proxy-not-api',
      'browsers and the REST service share objects and sources, never code',
      { path: '^src/html5proxy/' },
      { path: '^src/(api|conductor)/' },
    ),
    only(
      'html5proxy-is-a-leaf',
      'only programs start the service for browsers',
      { path: '^src/', pathNot: '^src/(html5proxy|cmd)/' },
      { path: '^src/html5proxy/' },
    ),
    only(
      'html5proxy-not-console',
      'the data plane exists once: browsers reach it over the network, and both may read the codec',
      { path: '^src/html5proxy/' },
      { path: '^src/console/', pathNot: '^src/console/spice/' },
    ),
    only(
      'only-websockets-import-ws',
      'WebSockets have two owners: from browsers, and to a platform that carries consoles by them',
      { path: '^src', pathNot: '^src/(html5proxy/|console/backend/routes/websocket\\.ts$)' },
      { path: 'node_modules/ws(/|$)' },
    ),
    only(
      'platforms-are-named-once',
      'a platform is known to its own folder and to the registry; everybody else asks the interface',
      { path: '^src/', pathNot: '^src/sources/([^/]+/|registry\\.ts$)' },
      { path: '^src/sources/(?!file/)[^/]+/' },
    ),
    only(
      'platforms-stand-alone',
      'a driver knows its platform and the reader of its entry, never another platform',
      { path: '^src/sources/(?!file/)([^/]+)/' },
      { path: '^src/sources/[^/]+/', pathNot: '^src/sources/($1|file)/' },
    ),
    only(
      'only-openstack-speaks-to-nova',
      'what Nova is stays with its driver and with what its notifications mean',
      { path: '^src/', pathNot: '^src/(compute|sources/openstack|notifications)/' },
      { path: '^src/compute/' },
    ),
    only(
      'use-cases-know-no-border',
      'opening, exchanging and ending are the same for HTTP, the command line and browsers',
      { path: '^src/broker/', pathNot: '\\.module\\.ts$' },
      {
        path: '^src/(api|cmd|conductor|console|db|html5proxy)/|node_modules/(@nestjs|express|typeorm|commander)(/|$)',
      },
    ),
    only('api-not-db', 'controllers speak to objects', { path: '^src/api/' }, { path: '^src/db/' }),
    only(
      'objects-look-down',
      'objects know rows and rules, no HTTP and no sockets',
      { path: '^src/objects/', pathNot: '\\.module\\.ts$' },
      {
        path: '^(src|node_modules)/',
        pathNot: '^src/(objects|db|exception|context|version|close-reason|tls/pem)',
      },
    ),
    only(
      'db-looks-down',
      'db knows no noun',
      { path: '^src/db/' },
      { path: '^src/', pathNot: '^src/(db|conf|exception|injection|close-reason|option-file|tls/pem)' },
    ),
    only(
      'conf-looks-down',
      'conf knows options only',
      { path: '^src/conf/' },
      { path: '^src/', pathNot: '^src/(conf|exception|injection|version)' },
    ),
    only(
      'only-modules-know-nest',
      'classes are plain: what gives and starts them is a module, a program or the REST service',
      { path: '^src/', pathNot: '^src/(api|cmd)/|\\.module\\.ts$' },
      { path: 'node_modules/@nestjs/' },
    ),
    only(
      'nothing-imports-a-module-but-its-kind',
      'modules are for programs and for each other',
      { path: '^src/', pathNot: '^src/(api|cmd)/|\\.module\\.ts$' },
      { path: '\\.module\\.ts$' },
    ),
    only(
      'nobody-imports-cmd',
      'programs are leaves',
      { path: '^src', pathNot: '^src/cmd/' },
      { path: '^src/cmd/' },
    ),
    only('src-not-test', 'the product never imports its tests', { path: '^src' }, { path: '^test' }),
    only(
      'no-drawers',
      'a file belongs to a noun',
      {},
      { path: '/(utils?|common|helpers?|shared|lib)/', pathNot: 'node_modules' },
    ),
    only(
      'control-not-worker',
      'the parent process and its relay workers meet in ipc.ts only; both may read the codec',
      { path: '^src/console/control/' },
      {
        path: '^src/console/(connection|listener|backend|relay|firewall|main-channel|message-screen|guest-policy|migration|recording|pacing|rfb)/',
      },
    ),
    only(
      'worker-not-control',
      'the parent process and its relay workers meet in ipc.ts only',
      {
        path: '^src/console/(connection|listener|backend|relay|firewall|main-channel|message-screen|guest-policy|migration|recording|pacing|rfb)/',
      },
      { path: '^src/console/control/' },
    ),
    only(
      'stages-stand-alone',
      'what looks into the stream knows the codec and the stage interface, never another stage',
      { path: '^src/console/(firewall|main-channel|guest-policy|migration|recording|pacing)/' },
      {
        path: '^src/console/',
        pathNot:
          '^src/console/($1|spice)/|^src/console/relay/stage\\.ts$|^src/console/(ipc|guest-channels|recording-wire)\\.ts$',
      },
    ),
    only(
      'net-and-tls-look-down',
      'sockets, addresses and certificates know no noun of Kerbside',
      { path: '^src/(net|tls)/' },
      { path: '^src/', pathNot: '^src/(net|tls|exception|log|option-file)' },
    ),
    only(
      'relay-worker-is-bare',
      'a relay worker carries nothing that can hold its loop',
      { path: '^src/console/worker\\.ts$' },
      {
        path: '^(src/(objects|db|api|sources|conductor)/|node_modules/(@nestjs|typeorm|prom-client|amqplib))',
        reachable: true,
      },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
