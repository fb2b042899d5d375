"""Documents of GraphQL, good and bad ones, and changes of them by a seed."""

GOOD = [
    "{a}", "{a b,c}", "query{a}", "query Q{a}", "query query{query}", "{on}", "{fragment}",
    "query Q($a:Int){a}", "query Q($a:Int=1,$b:[String!]!=[\"x\"],$c:[[Int]!]){a}",
    "query ($a: T @d(x: 1) @e){a}", "query Q @a @b(c: $d) {a}",
    "mutation M{a}", "subscription S{a}", "mutation{a}",
    "{a:b}", "{a:b(c:d)@e{f}}", "{a{b{c{d{e}}}}}", "{...F}", "{...F@skip(if:$a)}",
    "{...on T{a}}", "{...{a}}", "{...@include(if:true){a}}", "{... on on{a}}",
    "fragment F on T{a}", "fragment F on T @d{a ...G} fragment G on T{b}",
    "{a(x:1,y:-1,z:0,w:-0,v:1.5,u:1e3,t:-1.5E-3,s:0.0,r:1E+5)}",
    "{a(x:true,y:false,z:null,w:truest,v:nullable)}",
    "{a(x:[],y:[1,2,[3]],z:{},w:{a:1,b:{c:[$d]}})}",
    '{a(x:"",y:"a",z:"\\"\\\\\\/\\b\\f\\n\\r\\t")}',
    '{a(x:"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\u{1F600}\\u{0}\\u{10FFFF}")}',
    '{a(x:"é € 😀 \t tab")}', '{a(x:"# no comment")}',
    '{a(x:"""""",y:"""a""",z:""" a """)}',
    '{a(x:"""\n  a\n    b\n  c\n""")}', '{a(x:"""\n\n   a\n\n b \n \n""")}',
    '{a(x:"""a\n b\n  c""")}', '{a(x:"""\r\n  a\r  b\n  c""")}', '{a(x:"""\t\ta\n\t\tb""")}',
    '{a(x:"""a \\""" b \\" c \\n""")}', '{a(x:"""\n  "quoted" ""two\n""")}',
    '{a(x:"""   \n\n   """)}', '{a(x:"""x\n""")}',
    "# c\n{a}#d", "\ufeff{a}", "{\ufeffa}", ",,,{,a,,b,},", "{a\r\nb\rc\nd}", "\t{a}\n",
    "{a(b:$c)}", "{__typename}", "{_a9 A_z}",
    "query Q($where: T_filter = {and: [{id: \"0x\"}, {n_gte: 5}]}, $n: Int = 3) {\n"
    "  rows(where: $where, first: $n, orderBy: at, orderDirection: desc) { id owner { id } }\n}",
    "query($start: Int!, $range: Int!, $where: ProtectedData_filter) {\n protectedDatas(where: $where"
    " skip: $start first: $range orderBy: creationTimestamp orderDirection: desc) {\n id name owner"
    " { id } schema { id } creationTimestamp multiaddr } }",
    "query A{a} query B{b} fragment C on D{e} mutation F{g}",
]

BAD = [
    "", " ", "#", "{", "}", "{}", "a", "{a", "{a}}", "{a{}}", "{a()}", "query", "query Q", "query(",
    "query Q(){a}", "query Q($a){a}", "query Q($a:){a}", "query Q(a:Int){a}", "query Q($a:Int!!){a}",
    "query Q($a:[Int){a}", "query Q($a:Int=$b){a}", "query Q($a:Int=[$b]){a}",
    "query Q($a:Int @d(x:$b)){a}", "{a:}", "{:a}", "{a:b:c}", "{a(b)}", "{a(b:)}", "{a(:1)}",
    "{a(b:1}", "{a(b:1))}", "{a@}", "{a@b()}", "{...}", "{..a}", "{...on}", "{...on T}", "{... on{a}",
    "fragment on on T{a}", "fragment F{a}", "fragment F on{a}", "fragment F on T", "fragment{a}",
    "{a(x:00)}", "{a(x:01)}", "{a(x:-)}", "{a(x:1.)}", "{a(x:.5)}", "{a(x:1e)}", "{a(x:1e+)}",
    "{a(x:1a)}", "{a(x:1.5b)}", "{a(x:1.2.3)}", "{a(x:0x1)}", "{a(x:+1)}", "{a(x:1_0)}",
    '{a(x:")}', '{a(x:"\n")}', '{a(x:"\\x")}', '{a(x:"\\u12")}', '{a(x:"\\ud800")}',
    '{a(x:"\\ude00")}', '{a(x:"\\ud83d\\u0041")}', '{a(x:"\\u{}")}', '{a(x:"\\u{110000}")}',
    '{a(x:"\\u{d800}")}', '{a(x:"\\u{0000000041}")}', '{a(x:"\\u{41")}', '{a(x:"\\")}',
    '{a(x:""")}', '{a(x:"""a"")}', '{a(x:"""\\""")}', "{a(x:'b')}", "{a;b}", "{a%}", "{a é}", "{é}",
    "{a?}", "{a/b}", "{a\\b}", "{a^b}", "{a*}", "{a..b}", "{a\u00a0b}", "{a\u0000}", "{a\u0007}",
    "query{a} b", "{a} {", "{a(x:{b})}", "{a(x:{b:})}", "{a(x:{:1})}", "{a(x:[1)}", "{a(x:$)}",
    "{a(x:$1)}", "{a(x:&)}", "{a!}", "{a=b}", "{a|b}", "{a&b}", "Query{a}", "{a(x:@b)}", "\"a\" {b}",
    "type T{a:Int}", "schema{query:Q}", "scalar S", "extend type T{a:Int}", "enum E{A}",
    "input I{a:Int}", "union U=A|B", "interface I{a:Int}", "directive @d on FIELD",
    "\"doc\" type T{a:Int}", "{a} type T{a:Int}",
]

PIECES = ["{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "|", "&", "=", ",", " ", "\n", "#",
          '"', '"""', "\\", "\\u0041", "\\u{41}", "\\ud83d", "0", "1", "-", ".", "e", "1.5e3", "a",
          "on", "query", "fragment", "true", "null", "type", "\ufeff", "é", "😀", "\t", "\r", "_"]


def changed(rng, count):
    """Documents that came from the others by a few cuts, copies and insertions."""
    for _ in range(count):
        text = rng.choice(GOOD if rng.random() < 0.8 else BAD)
        for _ in range(rng.randint(1, 4)):
            at, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
            kind = rng.random()
            if kind < 0.45:
                text = text[:at] + rng.choice(PIECES) + text[at:]
            elif kind < 0.65:
                text = text[:at] + text[at + 1:]
            elif kind < 0.75:
                text = text[:at] + text[min(end, at + 8):]
            elif kind < 0.9:
                other = rng.choice(GOOD)
                cut = rng.randint(0, len(other))
                text = text[:at] + other[cut:cut + rng.randint(1, 12)] + text[at:]
            else:
                text = text[:at] + text[at:end] + text[at:]
        yield text
