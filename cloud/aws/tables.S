/* tables.S - the tables under data/ as bytes of the program, each from aws_builtin_X to aws_builtin_X_end. */

        .section .rodata

        .macro  table symbol, path
        .global \symbol
        .type   \symbol, %object
\symbol:
        .incbin "\path"
        .global \symbol\()_end
        .type   \symbol\()_end, %object
\symbol\()_end:
        .byte   0
        .endm

        table   aws_builtin_types, data/ec2-instance-types.tsv
        table   aws_builtin_eu_west_1, data/ec2-prices-eu-west-1.tsv
        table   aws_builtin_us_east_1, data/ec2-prices-us-east-1.tsv
        table   aws_builtin_us_west_2, data/ec2-prices-us-west-2.tsv

        .section .note.GNU-stack, "", %progbits
